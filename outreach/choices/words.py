"""What a customer reads where they choose, in the languages there are; English for everybody else."""

from collections.abc import Mapping

ENGLISH = "en"

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "channel": "How should we write to you?",
        "channel.email": "By e-mail",
        "channel.sms": "By text message",
        "channel.push": "In the app",
        "channel.call": "By phone",
        "channel.file": "By the usual way",
        "channel.any": "I do not mind",
        "marketing": "Advice on how you could save money",
        "messages": "Messages of any kind. Without them you still get money back that is yours, but we do "
        "not tell you of it.",
        "personalisation": "Suggestions that go by what you bought and looked at. Without them you see what "
        "many buy.",
        "topic.fallen_prices": "Prices that fell after you bought",
        "topic.payments": "Something you paid twice, or need not pay",
        "topic.troubles": "Late deliveries, and what went wrong",
        "topic.rights": "Coupons, credits and benefits before they lapse",
        "topic.looked_at": "Things you looked at and that cost less now",
        "topic.cheaper": "The same thing for less money",
        "on": "Yes",
        "off": "No",
        "not_here": "You have not agreed to this, or told us elsewhere to stop, and we need your word on it "
        "first.",
    },
    "de": {
        "channel": "Wie sollen wir Ihnen schreiben?",
        "channel.email": "Per E-Mail",
        "channel.sms": "Per SMS",
        "channel.push": "In der App",
        "channel.call": "Per Telefon",
        "channel.file": "Auf dem üblichen Weg",
        "channel.any": "Das ist mir gleich",
        "marketing": "Hinweise, wie Sie Geld sparen könnten",
        "messages": "Nachrichten jeder Art. Ohne sie bekommen Sie Geld, das Ihnen zusteht, trotzdem zurück, "
        "aber wir sagen es Ihnen nicht.",
        "personalisation": "Vorschläge nach dem, was Sie gekauft und angesehen haben. Ohne das sehen Sie, "
        "was viele kaufen.",
        "topic.fallen_prices": "Preise, die nach Ihrem Kauf gefallen sind",
        "topic.payments": "Was Sie doppelt bezahlt haben oder nicht zahlen müssen",
        "topic.troubles": "Verspätete Lieferungen, und was schiefging",
        "topic.rights": "Gutscheine, Guthaben und Vorteile, bevor sie verfallen",
        "topic.looked_at": "Was Sie angesehen haben und jetzt weniger kostet",
        "topic.cheaper": "Das Gleiche für weniger Geld",
        "on": "Ja",
        "off": "Nein",
        "not_here": "Dem haben Sie nicht zugestimmt, oder Sie haben es anderswo beendet; dafür brauchen wir "
        "erst Ihr Wort.",
    },
}
"""By language: the question of each choice, and its answers."""


def words_of(language: str) -> Mapping[str, str]:
    """The words of a language, else the English ones."""
    return WORDS.get(language, WORDS[ENGLISH])
