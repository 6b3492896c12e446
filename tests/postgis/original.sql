-- The tables of the original FiberQ server, as its migrations leave them: serial ids, single precision,
-- no CHECK, and no NOT NULL beyond those written here. The schema is the first one on the search path.

CREATE TABLE projects (
    id serial PRIMARY KEY,
    name text NOT NULL,
    description text,
    bounds_geom geometry(Polygon, 4326),
    created_at timestamptz DEFAULT now(),
    created_by_sub text,
    _modified_by_sub text,
    _modified_at timestamptz DEFAULT now()
);

CREATE TABLE ftth_okna (
    id serial PRIMARY KEY,
    naziv text,
    tip text,
    broj_okna text,
    adresa_ulica text,
    adresa_broj text,
    stanje text DEFAULT 'Planned',
    godina_ugradnje integer DEFAULT EXTRACT(YEAR FROM CURRENT_DATE),
    napomena text,
    project_id integer REFERENCES projects (id),
    geom geometry(Point, 4326),
    _modified_by_sub text,
    _modified_at timestamptz DEFAULT now()
);
CREATE INDEX idx_okna_geom ON ftth_okna USING gist (geom);

CREATE TABLE ftth_stubovi (
    id serial PRIMARY KEY,
    naziv text,
    tip text,
    visina real,
    materijal text,
    stanje text DEFAULT 'Planned',
    godina_ugradnje integer DEFAULT EXTRACT(YEAR FROM CURRENT_DATE),
    napomena text,
    project_id integer REFERENCES projects (id),
    geom geometry(Point, 4326),
    _modified_by_sub text,
    _modified_at timestamptz DEFAULT now()
);
CREATE INDEX idx_stubovi_geom ON ftth_stubovi USING gist (geom);

CREATE TABLE ftth_kablovi_podzemni (
    id serial PRIMARY KEY,
    naziv text,
    tip text,
    podtip text,
    kapacitet text,
    broj_cevcica integer,
    broj_vlakana integer,
    tip_kabla text,
    vrsta_vlakana text,
    color_code text,
    od text,
    do_ text,
    relacija text,
    duzina_m real,
    slack_m real DEFAULT 0,
    total_len_m real,
    stanje text DEFAULT 'Planned',
    godina_ugradnje integer DEFAULT EXTRACT(YEAR FROM CURRENT_DATE),
    napomena text,
    project_id integer REFERENCES projects (id),
    geom geometry(LineString, 4326),
    _modified_by_sub text,
    _modified_at timestamptz DEFAULT now()
);
CREATE INDEX idx_kablovi_podzemni_geom ON ftth_kablovi_podzemni USING gist (geom);

CREATE TABLE ftth_kablovi_nadzemni (
    id serial PRIMARY KEY,
    naziv text,
    tip text,
    podtip text,
    kapacitet text,
    broj_cevcica integer,
    broj_vlakana integer,
    tip_kabla text,
    vrsta_vlakana text,
    color_code text,
    od text,
    do_ text,
    relacija text,
    duzina_m real,
    slack_m real DEFAULT 0,
    total_len_m real,
    stanje text DEFAULT 'Planned',
    godina_ugradnje integer DEFAULT EXTRACT(YEAR FROM CURRENT_DATE),
    napomena text,
    project_id integer REFERENCES projects (id),
    geom geometry(LineString, 4326),
    _modified_by_sub text,
    _modified_at timestamptz DEFAULT now()
);
CREATE INDEX idx_kablovi_nadzemni_geom ON ftth_kablovi_nadzemni USING gist (geom);

CREATE TABLE ftth_trase (
    id serial PRIMARY KEY,
    naziv text,
    tip_trase text,
    duzina_m real,
    stanje text DEFAULT 'Planned',
    napomena text,
    project_id integer REFERENCES projects (id),
    geom geometry(LineString, 4326),
    _modified_by_sub text,
    _modified_at timestamptz DEFAULT now()
);
CREATE INDEX idx_trase_geom ON ftth_trase USING gist (geom);

CREATE TABLE ftth_cevi (
    id serial PRIMARY KEY,
    naziv text,
    tip text,
    materijal text,
    fi real,
    kapacitet text,
    duzina_m real,
    stanje text DEFAULT 'Planned',
    napomena text,
    project_id integer REFERENCES projects (id),
    geom geometry(LineString, 4326),
    _modified_by_sub text,
    _modified_at timestamptz DEFAULT now()
);
CREATE INDEX idx_cevi_geom ON ftth_cevi USING gist (geom);

CREATE TABLE ftth_mufovi (
    id serial PRIMARY KEY,
    naziv text,
    tip text,
    kapacitet text,
    stanje text DEFAULT 'Planned',
    godina_ugradnje integer DEFAULT EXTRACT(YEAR FROM CURRENT_DATE),
    napomena text,
    project_id integer REFERENCES projects (id),
    geom geometry(Point, 4326),
    _modified_by_sub text,
    _modified_at timestamptz DEFAULT now()
);
CREATE INDEX idx_mufovi_geom ON ftth_mufovi USING gist (geom);

CREATE TABLE ftth_spojevi (
    id serial PRIMARY KEY,
    naziv text,
    tip text,
    kabl_layer_id text,
    kabl_fid integer,
    duzina_m real,
    lokacija text,
    strana text,
    distance_m real,
    segments_hit integer,
    vreme timestamptz,
    napomena text,
    project_id integer REFERENCES projects (id),
    geom geometry(Point, 4326),
    _modified_by_sub text,
    _modified_at timestamptz DEFAULT now()
);
CREATE INDEX idx_spojevi_geom ON ftth_spojevi USING gist (geom);

CREATE TABLE ftth_elements (
    id serial PRIMARY KEY,
    naziv text,
    tip text,
    proizvodjac text,
    oznaka text,
    kapacitet integer,
    ukupno_kj integer,
    zahtev_kapaciteta integer,
    zahtev_rezerve integer,
    oznaka_izvoda text,
    numeracija text,
    naziv_objekta text,
    adresa_ulica text,
    adresa_broj text,
    address_id text,
    stanje text DEFAULT 'Planned',
    godina_ugradnje integer DEFAULT EXTRACT(YEAR FROM CURRENT_DATE),
    napomena text,
    project_id integer REFERENCES projects (id),
    geom geometry(Point, 4326),
    _modified_by_sub text,
    _modified_at timestamptz DEFAULT now()
);
CREATE INDEX idx_elements_geom ON ftth_elements USING gist (geom);

CREATE TABLE fiber_splice_closures (
    id serial PRIMARY KEY,
    muf_fid integer REFERENCES ftth_mufovi (id),
    closure_type text,
    closure_model text,
    tray_count integer DEFAULT 0,
    max_splices integer,
    project_id integer REFERENCES projects (id),
    geom geometry(Point, 4326),
    _modified_by_sub text,
    _modified_at timestamptz DEFAULT now()
);
CREATE INDEX idx_closures_geom ON fiber_splice_closures USING gist (geom);

CREATE TABLE fiber_splice_trays (
    id serial PRIMARY KEY,
    closure_id integer REFERENCES fiber_splice_closures (id) ON DELETE CASCADE,
    tray_number integer NOT NULL,
    tray_type text,
    capacity integer DEFAULT 12,
    UNIQUE (closure_id, tray_number)
);

CREATE TABLE fiber_splices (
    id serial PRIMARY KEY,
    tray_id integer REFERENCES fiber_splice_trays (id) ON DELETE CASCADE,
    position_in_tray integer NOT NULL,
    cable_a_layer_id text,
    cable_a_fid integer,
    fiber_a_number integer,
    fiber_a_color text,
    tube_a_number integer,
    tube_a_color text,
    cable_b_layer_id text,
    cable_b_fid integer,
    fiber_b_number integer,
    fiber_b_color text,
    tube_b_number integer,
    tube_b_color text,
    splice_type text DEFAULT 'fusion',
    loss_db real,
    status text DEFAULT 'planned',
    spliced_by_sub text,
    spliced_at timestamptz,
    notes text,
    photo_path text,
    _modified_by_sub text,
    _modified_at timestamptz DEFAULT now(),
    UNIQUE (tray_id, position_in_tray)
);

CREATE TABLE fiber_patch_connections (
    id serial PRIMARY KEY,
    element_layer_id text,
    element_fid integer,
    port_number integer NOT NULL,
    fiber_cable_layer_id text,
    fiber_cable_fid integer,
    fiber_number integer,
    fiber_color text,
    connector_type text DEFAULT 'SC/APC',
    status text DEFAULT 'free',
    connected_to_patch_id integer REFERENCES fiber_patch_connections (id),
    _modified_by_sub text,
    _modified_at timestamptz DEFAULT now()
);

CREATE TABLE fiber_paths (
    id serial PRIMARY KEY,
    path_name text NOT NULL,
    olt_element_fid integer,
    olt_port_number integer,
    onu_element_fid integer,
    onu_port_number integer,
    total_loss_db real,
    total_length_m real,
    path_segments jsonb,
    status text DEFAULT 'planned',
    project_id integer REFERENCES projects (id),
    _modified_by_sub text,
    _modified_at timestamptz DEFAULT now()
);

CREATE TABLE work_orders (
    id serial PRIMARY KEY,
    title text NOT NULL,
    description text,
    order_type text NOT NULL,
    priority text DEFAULT 'medium',
    status text DEFAULT 'created',
    project_id integer REFERENCES projects (id),
    assigned_to_sub text,
    assigned_by_sub text,
    area_geom geometry(Polygon, 4326),
    due_date date,
    created_at timestamptz DEFAULT now(),
    started_at timestamptz,
    completed_at timestamptz,
    verified_at timestamptz,
    verified_by_sub text,
    _modified_by_sub text,
    _modified_at timestamptz DEFAULT now()
);
CREATE INDEX idx_work_orders_assigned ON work_orders (assigned_to_sub);
CREATE INDEX idx_work_orders_status ON work_orders (status);
CREATE INDEX idx_work_orders_area ON work_orders USING gist (area_geom);

CREATE TABLE work_order_items (
    id serial PRIMARY KEY,
    work_order_id integer REFERENCES work_orders (id) ON DELETE CASCADE,
    item_type text NOT NULL,
    description text,
    target_layer text,
    target_fid integer,
    quantity real,
    unit text,
    status text DEFAULT 'pending',
    completed_at timestamptz,
    completed_by_sub text,
    notes text
);

CREATE TABLE smr_reports (
    id serial PRIMARY KEY,
    work_order_id integer REFERENCES work_orders (id),
    reported_by_sub text NOT NULL,
    report_date date DEFAULT CURRENT_DATE,
    weather text,
    crew_size integer,
    hours_worked real,
    activities jsonb DEFAULT '[]',
    materials_used jsonb DEFAULT '[]',
    issues text,
    geom geometry(Point, 4326),
    _modified_by_sub text,
    _modified_at timestamptz DEFAULT now()
);

CREATE TABLE field_photos (
    id serial PRIMARY KEY,
    related_type text NOT NULL,
    related_id integer NOT NULL,
    photo_path text NOT NULL,
    caption text,
    taken_at timestamptz DEFAULT now(),
    geom geometry(Point, 4326),
    taken_by_sub text
);
CREATE INDEX idx_photos_related ON field_photos (related_type, related_id);

CREATE TABLE sync_log (
    id serial PRIMARY KEY,
    user_sub text NOT NULL,
    project_id integer REFERENCES projects (id),
    sync_type text NOT NULL,
    started_at timestamptz DEFAULT now(),
    completed_at timestamptz,
    features_uploaded integer DEFAULT 0,
    features_downloaded integer DEFAULT 0,
    conflicts_resolved integer DEFAULT 0,
    status text DEFAULT 'in_progress',
    details jsonb
);
