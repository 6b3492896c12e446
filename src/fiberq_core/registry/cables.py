"""The two cable layers, which are alike."""

from fiberq_core.registry import vocabularies as v
from fiberq_core.registry.model import Column, Kind, Labels, Layer, Shape
from fiberq_core.registry.shared import FROM, LENGTH, NAME, NETWORK, NOTE, YEAR

COLUMNS = (
    NAME,
    Column("tip", Kind.TEXT, Labels("Cable type", "Tip kabla", "Тип на кабела"), vocabulary=v.CABLE_TYPE),
    Column("podtip", Kind.TEXT, Labels("Segment class", "Podtip", "Подтип"), vocabulary=v.CABLE_SUBTYPE),
    Column(
        "stanje",
        Kind.TEXT,
        Labels("State", "Stanje", "Състояние"),
        vocabulary=v.CABLE_STATE,
        aliases=("stanje_kabla",),
    ),
    YEAR,
    Column("kapacitet", Kind.TEXT, Labels("Capacity", "Kapacitet", "Капацитет")),
    Column("broj_cevcica", Kind.INTEGER, Labels("Tubes", "Broj cevčica", "Брой тръбички"), minimum=0),
    Column("broj_vlakana", Kind.INTEGER, Labels("Fibres", "Broj vlakana", "Брой влакна"), minimum=0, maximum=1152),
    Column("fibers_per_tube", Kind.INTEGER, Labels("Fibres per tube", "Vlakana po cevčici", "Влакна в тръбичка")),
    Column("total_fibers", Kind.INTEGER, Labels("Fibres in all", "Ukupno vlakana", "Общо влакна")),
    Column("tip_kabla", Kind.TEXT, Labels("Cable model", "Model kabla", "Модел на кабела")),
    Column("vrsta_vlakana", Kind.TEXT, Labels("Fibre kind", "Vrsta vlakana", "Вид влакна"), vocabulary=v.FIBRE_KIND),
    Column(
        "color_code",
        Kind.TEXT,
        Labels("Colour catalogue", "Katalog boja", "Цветови каталог"),
        vocabulary=v.COLOUR_STANDARD,
    ),
    Column(
        "color_standard",
        Kind.TEXT,
        Labels("Colour standard", "Standard boja", "Цветови стандарт"),
        vocabulary=v.COLOUR_STANDARD,
    ),
    Column("vrsta_omotaca", Kind.TEXT, Labels("Sheath", "Vrsta omotača", "Обвивка")),
    Column("vrsta_armature", Kind.TEXT, Labels("Armour", "Vrsta armature", "Броня")),
    Column("talasno_podrucje", Kind.TEXT, Labels("Wavelength band", "Talasno područje", "Вълнов обхват")),
    Column("vrsta_mreze", Kind.TEXT, Labels("Network type", "Vrsta mreže", "Вид мрежа")),
    Column(
        "slabljenje_dbkm",
        Kind.REAL,
        Labels("Attenuation", "Slabljenje", "Затихване"),
        unit="dB/km",
        minimum=0,
        maximum=10,
    ),
    Column(
        "hrom_disp_ps_nmxkm",
        Kind.REAL,
        Labels("Chromatic dispersion", "Hromatska disperzija", "Хроматична дисперсия"),
        unit="ps/(nm·km)",
    ),
    Column(
        "cable_laying",
        Kind.TEXT,
        Labels("Laying", "Polaganje kabla", "Полагане"),
        vocabulary=v.CABLE_LAYING,
        aliases=("polaganje_kabla",),
    ),
    Column(
        "konstr_vlakna_u_cevcicama",
        Kind.INTEGER,
        Labels("Fibres in tubes (0/1)", "Vlakna u cevčicama (0/1)", "Влакна в тръбички (0/1)"),
    ),
    Column(
        "konstr_sa_uzlepljenim_elementom",
        Kind.INTEGER,
        Labels("Bonded element (0/1)", "Sa uzlepljenim elementom (0/1)", "С залепен елемент (0/1)"),
    ),
    Column(
        "konstr_punjeni_kabl",
        Kind.INTEGER,
        Labels("Gel filled (0/1)", "Punjeni kabl (0/1)", "Гелонапълнен (0/1)"),
    ),
    Column(
        "konstr_sa_arm_vlaknima",
        Kind.INTEGER,
        Labels("Aramid yarn (0/1)", "Sa aramidnim vlaknima (0/1)", "С арамидни нишки (0/1)"),
    ),
    Column(
        "konstr_bez_metalnih",
        Kind.INTEGER,
        Labels("Non-metallic (0/1)", "Bez metalnih elemenata (0/1)", "Без метални елементи (0/1)"),
    ),
    FROM,
    Column("do_", Kind.TEXT, Labels("To", "Do", "До"), aliases=("do",)),
    Column("relacija", Kind.TEXT, Labels("Relation", "Relacija", "Релация")),
    LENGTH,
    Column("slack_m", Kind.REAL, Labels("Slack", "Rezerva", "Резерв"), unit="m", minimum=0),
    Column("total_len_m", Kind.REAL, Labels("Total length", "Ukupna dužina", "Обща дължина"), unit="m", minimum=0),
    Column("branch_index", Kind.INTEGER, Labels("Branch", "Indeks grane", "Индекс на разклонение")),
    NOTE,
)

UNDERGROUND_CABLES = Layer(
    "Kablovi_podzemni",
    "ftth_kablovi_podzemni",
    Labels("Underground cables", "Podzemni kablovi", "Подземни кабели"),
    Shape.LINE,
    COLUMNS,
    NETWORK,
    plugin="Underground cables",
    title="naziv",
    kind_column="podtip",
)
AERIAL_CABLES = Layer(
    "Kablovi_vazdusni",
    "ftth_kablovi_nadzemni",
    Labels("Aerial cables", "Vazdušni kablovi", "Въздушни кабели"),
    Shape.LINE,
    COLUMNS,
    NETWORK,
    plugin="Aerial cables",
    title="naziv",
    kind_column="podtip",
)
