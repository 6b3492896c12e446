"""Two tables that are not records of the network: the plugin's settings, and the exported inbox."""

from fiberq_core.policy import Action
from fiberq_core.registry import vocabularies as v
from fiberq_core.registry.model import Column, Kind, Labels, Layer, Rights, Shape

METADATA = Layer(  # goes round verbatim: whatever the plugin keeps there is the plugin's
    "_fiberq_metadata",
    "fiberq_metadata",
    Labels("Plugin settings", "Podešavanja dodatka", "Настройки на добавката"),
    Shape.NONE,
    (
        Column("key", Kind.TEXT, Labels("Key", "Ključ", "Ключ"), required=True),
        Column("value", Kind.TEXT, Labels("Value", "Vrednost", "Стойност")),
    ),
    Rights(Action.METADATA_WRITE, Action.METADATA_WRITE),
    title="key",
    natural_key="key",
)
SYNC_ISSUES = Layer(  # not stored: made from the inbox for each export; its `fiberq_uuid` is the item's id
    "sync_issues",
    "sync_issues",
    Labels("Waiting for an answer", "Čeka odgovor", "Чака отговор"),
    Shape.POINT,
    (
        Column("kind", Kind.TEXT, Labels("What waits", "Šta čeka", "Какво чака"), vocabulary=v.ISSUE_KIND),
        Column("reason", Kind.TEXT, Labels("Why", "Razlog", "Причина")),
        Column("layer", Kind.TEXT, Labels("Layer", "Sloj", "Слой")),
        Column("uuid", Kind.TEXT, Labels("Identity of the row", "Identitet reda", "Идентификатор на реда")),
        Column("row_id", Kind.INTEGER, Labels("Number of the row", "Broj reda", "Номер на реда")),
        Column("field", Kind.TEXT, Labels("Field", "Polje", "Поле")),
        Column("base", Kind.TEXT, Labels("Was", "Bilo je", "Беше")),
        Column("device", Kind.TEXT, Labels("On the device", "Na uređaju", "На устройството")),
        Column("current", Kind.TEXT, Labels("On the server", "Na serveru", "На сървъра")),
        Column("author", Kind.TEXT, Labels("Sent by", "Poslao", "Изпратил")),
        Column("created_at", Kind.DATETIME, Labels("Since", "Od", "От")),
        Column("choices", Kind.TEXT, Labels("Possible answers", "Mogući odgovori", "Възможни отговори")),
        Column("decision", Kind.TEXT, Labels("Answer", "Odgovor", "Отговор"), vocabulary=v.DECISION),
        Column("note", Kind.TEXT, Labels("Note", "Napomena", "Бележка")),
    ),
    Rights(Action.INBOX_DECIDE, Action.INBOX_DECIDE),
    title="reason",
    kind_column="kind",
)
