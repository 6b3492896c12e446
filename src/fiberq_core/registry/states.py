"""The vocabularies that the system itself works by, all closed: a value outside them is held (S21)."""

from fiberq_core.registry.terms import closed, term

CABLE_END = closed(
    "cable_end",
    term("from", "From end", "Početak (od)", "Начало (от)"),
    term("to", "To end", "Kraj (do)", "Край (до)"),
)
SPLICE_TYPE = closed(
    "splice_type",
    term("fusion", "Fusion", "Fuzioni", "Заваряване"),
    term("mechanical", "Mechanical", "Mehanički", "Механичен"),
)
SPLICE_STATUS = closed(
    "splice_status",
    term("planned", "Planned", "Planiran", "Планиран"),
    term("spliced", "Spliced", "Spojen", "Изпълнен"),
    term("tested", "Tested", "Izmeren", "Измерен"),
    term("faulty", "Faulty", "Neispravan", "Неизправен"),
)
ORDER_TYPE = closed(
    "order_type",
    term("installation", "Installation", "Instalacija", "Монтаж"),
    term("splice", "Splicing", "Spajanje", "Сплайсване"),
    term("repair", "Repair", "Popravka", "Ремонт"),
    term("survey", "Survey", "Snimanje terena", "Заснемане"),
    term("maintenance", "Maintenance", "Održavanje", "Поддръжка"),
)
PRIORITY = closed(
    "priority",
    term("low", "Low", "Nizak", "Нисък"),
    term("medium", "Medium", "Srednji", "Среден"),
    term("high", "High", "Visok", "Висок"),
    term("urgent", "Urgent", "Hitno", "Спешен"),
)
ORDER_STATUS = closed(
    "order_status",
    term("created", "Created", "Kreiran", "Създаден"),
    term("assigned", "Assigned", "Dodeljen", "Възложен"),
    term("in_progress", "In progress", "U toku", "В процес"),
    term("completed", "Completed", "Završen", "Завършен"),
    term("verified", "Verified", "Overen", "Приет"),
    term("rejected", "Rejected", "Odbijen", "Отхвърлен"),
)
ITEM_TYPE = closed(
    "item_type",
    term("cable_laying", "Cable laying", "Polaganje kabla", "Полагане на кабел"),
    term("splice", "Splicing", "Spajanje", "Сплайсване"),
    term("pole_install", "Pole installation", "Postavljanje stuba", "Монтаж на стълб"),
    term("manhole_install", "Manhole installation", "Postavljanje okna", "Монтаж на шахта"),
    term("duct_install", "Duct installation", "Polaganje cevi", "Полагане на тръба"),
    term("other", "Other", "Ostalo", "Друго"),
)
ITEM_STATUS = closed(
    "item_status",
    term("pending", "Pending", "Na čekanju", "Предстои"),
    term("done", "Done", "Urađeno", "Готово"),
)
ISSUE_KIND = closed(
    "issue_kind",
    term("conflict", "Conflict", "Sukob izmena", "Конфликт"),
    term("rejected", "Value does not fit", "Vrednost ne odgovara", "Неподходяща стойност"),
    term("refused", "Not allowed for the role", "Nije dozvoljeno ulozi", "Не е позволено за ролята"),
    term("held_delete", "Deletion waits", "Brisanje čeka", "Изтриването чака"),
    term("held_deletes", "Many deletions wait", "Mnoga brisanja čekaju", "Много изтривания чакат"),
    term("clash", "Place already taken", "Mesto je zauzeto", "Мястото е заето"),
    term("duplicate", "Possible duplicate", "Mogući duplikat", "Възможно дублиране"),
    term("question", "Question", "Pitanje", "Въпрос"),
)
DECISION = closed(
    "decision",
    term("keep_server", "Keep the server's", "Zadrži serversko", "Запази това на сървъра"),
    term("take_mine", "Take the device's", "Uzmi sa uređaja", "Вземи това от устройството"),
    term("take_both", "Keep both", "Zadrži oba", "Запази и двете"),
    term("restore", "Restore", "Vrati", "Възстанови"),
    term("dismiss", "Dismiss", "Odbaci", "Отхвърли"),
)
