"""The SQL of a GeoPackage 1.3: its own tables, the tables of layers, the triggers of the spatial index.

Version 1.3, because GDAL 3.6 warns at every opening of a file that says 1.4.
"""

from fiberq_core.geopackage import FID, GEOM, GEOMETRY_TYPE, PackageLayer
from fiberq_storage.sql import ident, literal

APPLICATION_ID = 0x47504B47  # "GPKG"
USER_VERSION = 10300
WGS84_ID = 4326
RTREE_DEFINITION = "http://www.geopackage.org/spec120/#extension_rtree"
METADATA_DEFINITION = "http://www.geopackage.org/spec120/#extension_metadata"

WGS84_WKT = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,'
    'AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]'
)
SPATIAL_REFERENCES = (
    ("Undefined Cartesian SRS", -1, "NONE", -1, "undefined", "undefined Cartesian coordinate reference system"),
    ("Undefined geographic SRS", 0, "NONE", 0, "undefined", "undefined geographic coordinate reference system"),
    (
        "WGS 84 geodetic",
        WGS84_ID,
        "EPSG",
        4326,
        WGS84_WKT,
        "longitude/latitude coordinates in decimal degrees on the WGS 84 spheroid",
    ),
)

BASE = """
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL, m TINYINT NOT NULL, CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE gpkg_extensions (
  table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
CREATE TABLE gpkg_metadata (
  id INTEGER CONSTRAINT m_pk PRIMARY KEY ASC NOT NULL, md_scope TEXT NOT NULL DEFAULT 'dataset',
  md_standard_uri TEXT NOT NULL, mime_type TEXT NOT NULL DEFAULT 'text/xml', metadata TEXT NOT NULL DEFAULT '');
CREATE TABLE gpkg_metadata_reference (
  reference_scope TEXT NOT NULL, table_name TEXT, column_name TEXT, row_id_value INTEGER,
  timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')), md_file_id INTEGER NOT NULL,
  md_parent_id INTEGER, CONSTRAINT crmr_mfi_fk FOREIGN KEY (md_file_id) REFERENCES gpkg_metadata(id),
  CONSTRAINT crmr_mpi_fk FOREIGN KEY (md_parent_id) REFERENCES gpkg_metadata(id));
CREATE TABLE gpkg_ogr_contents (table_name TEXT NOT NULL PRIMARY KEY, feature_count INTEGER DEFAULT NULL);
"""

_COUNT_TRIGGERS = """
CREATE TRIGGER {insert} AFTER INSERT ON {t} BEGIN UPDATE gpkg_ogr_contents
  SET feature_count = feature_count + 1 WHERE lower(table_name) = lower({literal}); END;
CREATE TRIGGER {delete} AFTER DELETE ON {t} BEGIN UPDATE gpkg_ogr_contents
  SET feature_count = feature_count - 1 WHERE lower(table_name) = lower({literal}); END;
"""

_INDEX_TRIGGERS = """
CREATE TRIGGER {insert} AFTER INSERT ON {t} WHEN (new.{g} NOT NULL AND NOT ST_IsEmpty(NEW.{g}))
BEGIN INSERT OR REPLACE INTO {r} VALUES
  (NEW.{f}, ST_MinX(NEW.{g}), ST_MaxX(NEW.{g}), ST_MinY(NEW.{g}), ST_MaxY(NEW.{g})); END;
CREATE TRIGGER {update1} AFTER UPDATE OF {g} ON {t}
WHEN OLD.{f} = NEW.{f} AND (NEW.{g} NOTNULL AND NOT ST_IsEmpty(NEW.{g}))
BEGIN INSERT OR REPLACE INTO {r} VALUES
  (NEW.{f}, ST_MinX(NEW.{g}), ST_MaxX(NEW.{g}), ST_MinY(NEW.{g}), ST_MaxY(NEW.{g})); END;
CREATE TRIGGER {update2} AFTER UPDATE OF {g} ON {t}
WHEN OLD.{f} = NEW.{f} AND (NEW.{g} ISNULL OR ST_IsEmpty(NEW.{g}))
BEGIN DELETE FROM {r} WHERE id = OLD.{f}; END;
CREATE TRIGGER {update3} AFTER UPDATE ON {t}
WHEN OLD.{f} != NEW.{f} AND (NEW.{g} NOTNULL AND NOT ST_IsEmpty(NEW.{g}))
BEGIN DELETE FROM {r} WHERE id = OLD.{f}; INSERT OR REPLACE INTO {r} VALUES
  (NEW.{f}, ST_MinX(NEW.{g}), ST_MaxX(NEW.{g}), ST_MinY(NEW.{g}), ST_MaxY(NEW.{g})); END;
CREATE TRIGGER {update4} AFTER UPDATE ON {t}
WHEN OLD.{f} != NEW.{f} AND (NEW.{g} ISNULL OR ST_IsEmpty(NEW.{g}))
BEGIN DELETE FROM {r} WHERE id IN (OLD.{f}, NEW.{f}); END;
CREATE TRIGGER {delete} AFTER DELETE ON {t} WHEN old.{g} NOT NULL
BEGIN DELETE FROM {r} WHERE id = OLD.{f}; END;
"""
_INDEX_EVENTS = ("insert", "update1", "update2", "update3", "update4", "delete")


def rtree_name(layer: str) -> str:
    """The name of a layer's spatial index."""
    return f"rtree_{layer}_{GEOM}"


def create_table(layer: PackageLayer, geometry_type: str = "") -> str:
    """The table of a layer, for geometries of *geometry_type* where that is not the layer's own."""
    if layer.natural_key:
        columns = [
            f"{ident(c.name)} {c.sql_type}{' PRIMARY KEY NOT NULL' if c.name == layer.natural_key else ''}"
            for c in layer.columns
        ]
    else:
        columns = [f"{ident(FID)} INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL"]
        columns += [f"{ident(GEOM)} {geometry_type or GEOMETRY_TYPE[layer.shape]}"] if layer.spatial else []
        columns += [f"{ident(column.name)} {column.sql_type}" for column in layer.columns]
    return f"CREATE TABLE {ident(layer.name)} ({', '.join(columns)})"


def create_rtree(layer: PackageLayer) -> str:
    """The spatial index of a layer, empty."""
    return f"CREATE VIRTUAL TABLE {ident(rtree_name(layer.name))} USING rtree(id, minx, maxx, miny, maxy)"


def index_triggers(layer: PackageLayer) -> str:
    """What keeps the spatial index right when a client edits. Its functions are the client's."""
    rtree = rtree_name(layer.name)
    names = {event: ident(f"{rtree}_{event}") for event in _INDEX_EVENTS}
    return _INDEX_TRIGGERS.format(t=ident(layer.name), g=ident(GEOM), f=ident(FID), r=ident(rtree), **names)


def count_triggers(layer: PackageLayer) -> str:
    """What keeps GDAL's count of features right when a client edits."""
    return _COUNT_TRIGGERS.format(
        insert=ident(f"trigger_insert_feature_count_{layer.name}"),
        delete=ident(f"trigger_delete_feature_count_{layer.name}"),
        t=ident(layer.name),
        literal=literal(layer.name),
    )
