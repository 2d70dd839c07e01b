"""Which old encoding a text is in, by the letters that it makes of the bytes.

In the right encoding nearly all letters beyond ASCII belong to one language; in a wrong one they
are of several, stand among letters of another script, or change their case within a word.
"""

import re

_CYRILLIC = {
    "ru": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "uk": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "be": "абвгдеёжзійклмнопрстуўфхцчшыьэюя",
}
_WESTERN = {
    "de": "äöüß",
    "fr": "àâæçéèêëîïôœùûüÿ",
    "es": "áéíóúüñ",
    "pt": "áâãàçéêíóôõú",
    "it": "àèéìîòóù",
    "nl": "áéëïóöü",
    "sv": "åäöé",
    "da": "æøåé",
    "fi": "äöå",
}
_CENTRAL = {
    "pl": "ąćęłńóśźż",
    "cs": "áčďéěíňóřšťúůýž",
    "sk": "áäčďéíĺľňóôŕšťúýž",
    "hu": "áéíóöőúüű",
    "ro": "ăâîşţ",
    "hr": "čćđšž",
}
_LANGUAGES = {
    "windows-1252": _WESTERN,
    "windows-1250": _CENTRAL,
    "windows-1251": _CYRILLIC,
    "windows-1254": {"tr": "çğıöşüâî"},
    "windows-1253": {"el": "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ"},
    "windows-1257": {"lv": "āčēģīķļņšūž", "lt": "ąčęėįšųūž"},
    "koi8-r": _CYRILLIC,
    "cp866": _CYRILLIC,
}
_SCRIPTS = frozenset({"windows-1251", "windows-1253", "koi8-r", "cp866"})
"""These have whole words beyond ASCII; in the others such a letter stands among ASCII ones."""
_FREQUENT = frozenset("оеаинтсрвлОЕАИНТСРВЛ")
_BEYOND = re.compile(r"[^\W\d_a-zA-Z]+")
_WORD = re.compile(r"[^\W\d_]+")
_LONGEST_RUN = 3
_LEAST = 0.85
_RARE = {"windows-1253": 0.05, "koi8-r": 0.15, "cp866": 0.15}


def likeliest(sample: bytes) -> list[str]:
    """Return the encodings that the sample may be in, the best first."""
    scores: dict[str, float] = {}
    for encoding in _LANGUAGES:
        try:
            text = sample.decode(encoding)
        except UnicodeDecodeError:
            continue
        if (score := _score(text, encoding)) >= _LEAST:
            scores[encoding] = score
    return sorted(scores, key=lambda encoding: -scores[encoding])


def _score(text: str, encoding: str) -> float:
    letters, misplaced = _letters(text, is_script=encoding in _SCRIPTS)
    small = letters.replace("İ", "\u0131").lower()  # else it becomes two characters
    known = max(
        sum(letter in alphabet for letter in small) for alphabet in _LANGUAGES[encoding].values()
    )
    strange = sum(1 for character in text if "\x80" <= character <= "\x9f" or character in "║│═─┌▒")
    score = (known + 1) / (len(letters) + misplaced + strange + 1)
    if _LANGUAGES[encoding] is _CYRILLIC and letters:
        score += 0.4 * (sum(letter in _FREQUENT for letter in letters) / len(letters) - 0.4)
    return score - _RARE.get(encoding, 0)


def _letters(text: str, *, is_script: bool) -> tuple[str, int]:
    """Return the letters beyond ASCII that stand as in a word, and how many do not."""
    placed: list[str] = []
    misplaced = 0
    for word in _WORD.findall(text):
        if word.isascii():
            continue
        runs = _BEYOND.findall(word)
        letters = "".join(runs)
        is_odd = word[1:] != word[1:].lower() and word != word.upper()
        if is_script:
            if len(word) == 1:
                continue  # is as well a sign, in another encoding
            is_odd = is_odd or len(letters) < len(word)
        else:
            is_odd = is_odd or len(letters) == len(word) >= _LONGEST_RUN
            is_odd = is_odd or max(map(len, runs)) > _LONGEST_RUN
        if is_odd:
            misplaced += len(letters)
        else:
            placed.append(letters)
    return "".join(placed), misplaced
