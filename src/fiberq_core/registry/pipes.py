"""The two pipe layers, which are alike."""

from fiberq_core.registry import vocabularies as v
from fiberq_core.registry.model import Column, Kind, Labels, Layer, Shape
from fiberq_core.registry.shared import FROM, LENGTH, NAME, NETWORK, NOTE, STATE, TYPE

COLUMNS = (
    NAME,
    TYPE,
    Column("materijal", Kind.TEXT, Labels("Material", "Materijal", "Материал"), vocabulary=v.PIPE_MATERIAL),
    Column("fi", Kind.REAL, Labels("Diameter", "Prečnik", "Диаметър"), unit="mm", minimum=0),
    Column("kapacitet", Kind.TEXT, Labels("Capacity", "Kapacitet", "Капацитет"), vocabulary=v.PIPE_CAPACITY),
    FROM,
    Column("do_", Kind.TEXT, Labels("To", "Do", "До"), aliases=("do",)),
    LENGTH,
    STATE,
    NOTE,
)
PE_PIPES = Layer(
    "PE cevi",
    "ftth_cevi",
    Labels("PE pipes", "PE cevi", "PE тръби"),
    Shape.LINE,
    COLUMNS,
    NETWORK,
    plugin="PE pipes",
    aliases=("PE_ducts",),
    title="naziv",
    kind_column="materijal",
)
TRANSITION_PIPES = Layer(
    "Prelazne_cevi",
    "ftth_prelazne_cevi",
    Labels("Transition pipes", "Prelazne cevi", "Преходни тръби"),
    Shape.LINE,
    COLUMNS,
    NETWORK,
    plugin="Transition pipes",
    aliases=("Transition_ducts",),
    title="naziv",
    kind_column="materijal",
)
