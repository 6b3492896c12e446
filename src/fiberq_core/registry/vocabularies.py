"""What can be said about the network: the descriptive vocabularies, all open.

Codes are what the plugin and the old server store, in whichever language they chose; where they
disagree the other spelling is an alias. Nothing here is ever written over what a crew typed.
The vocabularies that the system itself works by are in `states`, re-exported here.
"""

from fiberq_core.registry.model import Vocabulary
from fiberq_core.registry.states import (
    CABLE_END,
    DECISION,
    ISSUE_KIND,
    ITEM_STATUS,
    ITEM_TYPE,
    ORDER_STATUS,
    ORDER_TYPE,
    PRIORITY,
    SPLICE_STATUS,
    SPLICE_TYPE,
)
from fiberq_core.registry.terms import opened, same, term

__all__ = [  # noqa: RUF022 (in the order of the module)
    "STATE", "CABLE_STATE", "MANHOLE_TYPE", "MANHOLE_CONSTRUCTION", "POLE_TYPE", "POLE_MATERIAL", "ROUTE_TYPE",
    "PIPE_MATERIAL", "PIPE_CAPACITY", "CABLE_TYPE", "CABLE_SUBTYPE", "FIBRE_KIND", "COLOUR_STANDARD", "CABLE_LAYING",
    "SLACK_TYPE", "SLACK_LOCATION", "SLACK_SIDE", "ELEMENT_TYPE", "CLOSURE_TYPE", "TRAY_TYPE", "FIBRE_COLOUR",
    "CONNECTOR_TYPE", "PATCH_STATUS", "WEATHER", "RELATION_CATEGORY",
    "CABLE_END", "DECISION", "ISSUE_KIND", "ITEM_STATUS", "ITEM_TYPE", "ORDER_STATUS", "ORDER_TYPE", "PRIORITY",
    "SPLICE_STATUS", "SPLICE_TYPE", "VOCABULARIES",
]  # fmt: skip

STATE = opened(
    "state",
    term("Planned", "Planned", "Projektovano", "Планирано"),
    term("Built", "Built", "Izgrađeno", "Изградено", "Executed", "Izvedeno"),
    term("Existing", "Existing", "Postojeće", "Съществуващо", "Postojece"),
)
CABLE_STATE = opened(
    "cable_state",
    term("Projektovano", "Planned", "Projektovano", "Планирано"),
    term("U izgradnji", "Under construction", "U izgradnji", "В строеж"),
    term("Built", "Built", "Izgrađeno", "Изградено", "Executed", "Izvedeno"),
    term("Postojeće", "Existing", "Postojeće", "Съществуващо", "Postojece"),
)
MANHOLE_TYPE = opened(
    "manhole_type",
    term("Standard cable manhole", "Standard cable manhole", "Standardno kablovsko okno", "Стандартна кабелна шахта"),
    term(
        "Existing standard cable manhole",
        "Existing standard cable manhole",
        "Postojeće standardno kablovsko okno",
        "Съществуваща стандартна кабелна шахта",
    ),
    *(
        term(
            f"Standard octagonal {en}{size}",
            f"Standard octagonal {en}{size}",
            f"Standardno oktogonalno {sr}{size}",
            f"Стандартна осмоъгълна {bg}{size}",
        )
        for en, sr, bg, size in (
            ("", "", "", "200x130x190"),
            ("", "", "", "250x150x190"),
            ("cut ", "sečeno ", "срязана ", "200x120x190"),
            ("cut ", "sečeno ", "срязана ", "220x128x190"),
        )
    ),
    term(
        "Mounted mini cable manhole",
        "Mounted mini cable manhole",
        "Montažno mini kablovsko okno",
        "Монтажна мини кабелна шахта",
    ),
    term(
        "Existing mini cable manhole",
        "Existing mini cable manhole",
        "Postojeće mini kablovsko okno",
        "Съществуваща мини кабелна шахта",
    ),
    *(
        term(
            f"Mounted mini manhole type {en}",
            f"Mounted mini manhole type {en}",
            f"Montažno mini okno tipa {sr}",
            f"Монтажна мини шахта тип {bg}",
        )
        for en, sr, bg in (
            *((model, model, model) for model in ("MB 1", "MB 2", "MB 3", "MB 5", "MBi", "MB1i", "MBr")),
            ("Mufa (micro ducts)", "Mufa (mikrocevi)", "Mufa (микротръби)"),
            ("Duct End (micro ducts)", "Kraj cevi (mikrocevi)", "Край на тръба (микротръби)"),
        )
    ),
    *(same(code) for code in ("D0", "D1", "D2", "D3", "D4")),
)
MANHOLE_CONSTRUCTION = opened(
    "manhole_construction",
    term("Standard", "Standard", "Standardno", "Стандартна"),
    term("Mounted", "Mounted", "Montažno", "Монтажна"),
    term("Existing", "Existing", "Postojeće", "Съществуваща"),
)
POLE_TYPE = opened("pole_type", term("POLE", "Pole", "Stub", "Стълб"))
POLE_MATERIAL = opened(
    "pole_material",
    term("Wood", "Wood", "Drvo", "Дърво"),
    term("Concrete", "Concrete", "Beton", "Бетон"),
    term("Steel", "Steel", "Čelik", "Стомана"),
    term("Composite", "Composite", "Kompozit", "Композит"),
)
ROUTE_TYPE = opened(
    "route_type",
    term("vazdusna", "Aerial", "Vazdušna", "Въздушна"),
    term("podzemna", "Underground", "Podzemna", "Подземна"),
    term("kroz objekat", "Through the object", "Kroz objekat", "През обекта"),
)
PIPE_MATERIAL = opened("pipe_material", same("PE"), same("PVC"), same("Oki"), same("FeZn"), same("PE / PVC"))
PIPE_CAPACITY = opened("pipe_capacity", *map(same, ("1x1", "1x2", "2x1", "2x2", "1x3", "2x3", "3x3")))
CABLE_TYPE = opened(
    "cable_type",
    term("opticki", "Optical", "Optički", "Оптичен"),
    term("bakarnI", "Copper", "Bakarni", "Меден", "bakarni"),
)
CABLE_SUBTYPE = opened(
    "cable_subtype",
    term("glavni", "Backbone", "Glavni", "Магистрален"),
    term("distributivni", "Distribution", "Distributivni", "Разпределителен", "Distributive"),
    term("razvodni", "Drop", "Razvodni", "Абонатен", "razvodnik"),
)
FIBRE_KIND = opened(
    "fibre_kind",
    term("SM", "Single mode", "Monomodno", "Едномодово"),
    term("MM", "Multimode", "Multimodno", "Многомодово"),
)
COLOUR_STANDARD = opened(
    "colour_standard",
    *map(same, ("TIA-598-C", "ANSI/EIA/TIA-598-A", "IEC 60793-2-50", "IEC 60304")),
    term("ITU-T (generic)", "ITU-T (generic)", "ITU-T (opšti)", "ITU-T (общ)"),
    term("Custom", "Custom", "Prilagođeni", "По избор"),
)
CABLE_LAYING = opened(
    "cable_laying",
    term("Podzemno", "Underground", "Podzemno", "Подземно"),
    term("Vazdusno", "Aerial", "Vazdušno", "Въздушно"),
)
SLACK_TYPE = opened(
    "slack_type",
    term("zavrsna", "Terminal", "Završna", "Крайна"),
    term("prolazna", "Mid-span", "Prolazna", "Междинна", "Mid span"),
)
SLACK_LOCATION = opened(
    "slack_location",
    term("OKNO", "Manhole", "Okno", "Шахта"),
    term("Stub", "Pole", "Stub", "Стълб"),
    term("Objekat", "Object", "Objekat", "Обект"),
    term("Auto", "Automatic", "Automatski", "Автоматично"),
)
SLACK_SIDE = opened(
    "slack_side",
    term("od", "From", "Od", "От", "FROM"),
    term("do", "To", "Do", "До", "TO"),
    term("sredina", "Mid span", "Sredina", "Среда", "MID SPAN"),
)
ELEMENT_TYPE = opened(
    "element_type",
    term("ODF", "ODF", "ODF (optički razdelnik)", "ODF (оптичен разпределител)"),
    term("TB", "TB (terminal box)", "ZOK (završna kutija)", "TB (крайна кутия)", "ZOK"),
    term("Patch panel", "Patch panel", "Patch panel", "Пач панел", "Patch_panel", "Patch Panel"),
    term("OTB", "OTB (termination box)", "OD ormar", "OTB (оптичен шкаф)"),
    term("Indoor OTB", "Indoor OTB", "Unutrašnji OD ormar", "Вътрешен OTB", "Indoor_OTB"),
    term("Outdoor OTB", "Outdoor OTB", "Spoljašnji OD ormar", "Външен OTB", "Outdoor_OTB"),
    term("Pole OTB", "Pole OTB", "OD ormar na stubu", "OTB на стълб", "Pole_OTB"),
    term("TO", "TO (outlet)", "TO (priključnica)", "TO (розетка)"),
    term("Indoor TO", "Indoor TO", "Unutrašnji TO", "Вътрешна TO", "Indoor_TO"),
    term("Outdoor TO", "Outdoor TO", "Spoljašnji TO", "Външна TO", "Outdoor_TO"),
    term("Pole TO", "Pole TO", "TO na stubu", "TO на стълб", "Pole_TO"),
    term("Joint Closure TO", "Joint closure TO", "TO u nastavku", "TO в муфа", "Joint_Closure_TO"),
    term("Splitter", "Splitter", "Spliter", "Сплитер"),
    same("OLT"),
    same("ONU"),
)
CLOSURE_TYPE = opened(
    "closure_type",
    term("dome", "Dome", "Kupolasta", "Куполна"),
    term("inline", "Inline", "Linijska", "Проходна"),
    term("wall-mount", "Wall mount", "Zidna", "Стенна"),
)
TRAY_TYPE = opened("tray_type", *map(same, ("6F", "12F", "24F", "48F")))
FIBRE_COLOUR = opened(
    "fibre_colour",
    term("Blue", "Blue", "Plava", "Синьо"),
    term("Orange", "Orange", "Narandžasta", "Оранжево"),
    term("Green", "Green", "Zelena", "Зелено"),
    term("Brown", "Brown", "Braon", "Кафяво"),
    term("Slate", "Slate", "Siva", "Сиво", "Grey", "Gray"),
    term("White", "White", "Bela", "Бяло"),
    term("Red", "Red", "Crvena", "Червено"),
    term("Black", "Black", "Crna", "Черно"),
    term("Yellow", "Yellow", "Žuta", "Жълто"),
    term("Violet", "Violet", "Ljubičasta", "Виолетово"),
    term("Rose", "Rose", "Roze", "Розово", "Pink"),
    term("Aqua", "Aqua", "Tirkizna", "Тюркоазено"),
)
CONNECTOR_TYPE = opened(
    "connector_type",
    *map(same, ("SC/APC", "SC/UPC", "LC/APC", "LC/UPC", "FC/APC", "FC/UPC", "ST/UPC", "E2000/APC")),
)
PATCH_STATUS = opened(
    "patch_status",
    term("free", "Free", "Slobodan", "Свободен"),
    term("connected", "Connected", "Povezan", "Свързан"),
    term("reserved", "Reserved", "Rezervisan", "Запазен"),
    term("faulty", "Faulty", "Neispravan", "Неизправен"),
)
WEATHER = opened(
    "weather",
    term("Sunny", "Sunny", "Sunčano", "Слънчево"),
    term("Cloudy", "Cloudy", "Oblačno", "Облачно"),
    term("Rain", "Rain", "Kiša", "Дъжд"),
    term("Snow", "Snow", "Sneg", "Сняг"),
    term("Wind", "Wind", "Vetar", "Вятър"),
)
RELATION_CATEGORY = opened(  # inside the `relations_json` of `_fiberq_metadata`
    "relation_category",
    term("Main", "Main", "Glavna", "Главна"),
    term("Local", "Local", "Lokalna", "Местна"),
    term("International", "International", "Međunarodna", "Международна"),
    term("Metro network", "Metro network", "Metro mreža", "Градска мрежа"),
    term("Regional", "Regional", "Regionalna", "Регионална"),
)

VOCABULARIES: tuple[Vocabulary, ...] = (
    STATE, CABLE_STATE, MANHOLE_TYPE, MANHOLE_CONSTRUCTION, POLE_TYPE, POLE_MATERIAL, ROUTE_TYPE, PIPE_MATERIAL,
    PIPE_CAPACITY, CABLE_TYPE, CABLE_SUBTYPE, FIBRE_KIND, COLOUR_STANDARD, CABLE_LAYING, SLACK_TYPE, SLACK_LOCATION,
    SLACK_SIDE, ELEMENT_TYPE, CLOSURE_TYPE, TRAY_TYPE, FIBRE_COLOUR, CONNECTOR_TYPE, PATCH_STATUS, WEATHER,
    RELATION_CATEGORY, CABLE_END, SPLICE_TYPE, SPLICE_STATUS, ORDER_TYPE, PRIORITY, ORDER_STATUS, ITEM_TYPE,
    ITEM_STATUS, ISSUE_KIND, DECISION,
)  # fmt: skip
