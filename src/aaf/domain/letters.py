"""Which characters beyond ASCII may stand in an approval as themselves: pinned tables, derived from Unicode 14.0.

They are data and not a call to the interpreter's own tables, because another interpreter must not show a stored
approval differently. A letter is in `LETTERS` if its category is Lu, Ll, Lt, Lm or Lo, it is written from left to right,
it lies in the basic multilingual plane (most machines have no glyph for the others, and every missing glyph looks the
same) and compatibility normalisation leaves it alone. Left out besides are letters that look like nothing (Hangul
fillers), like punctuation (click letters, spacing modifiers, some Canadian syllabics, Lisu tones), like another letter of
their own script (phonetic forms, small capitals) or that fuse with their neighbours into a letter that exists by itself
(conjoining jamo). Nothing here decides what is shown: `rendering` does.
"""

from bisect import bisect_right


class Ranges:
    """A set of code points, as sorted ranges without overlap."""

    __slots__ = ("_first", "_last")

    def __init__(self, ranges: tuple[tuple[int, int], ...]) -> None:
        """Take the first and last code point of each range, both included."""
        self._first = tuple(first for first, _ in ranges)
        self._last = tuple(last for _, last in ranges)

    def __contains__(self, point: int) -> bool:
        """Whether the code point is in one of the ranges."""
        at = bisect_right(self._first, point) - 1
        return at >= 0 and point <= self._last[at]

    def points(self) -> frozenset[int]:
        """Every code point of the set."""
        return frozenset(
            point for first, last in zip(self._first, self._last, strict=True) for point in range(first, last + 1)
        )


def _ranges(text: str) -> Ranges:
    """Read `first-last` and single points in hexadecimal, separated by spaces."""
    pairs = (entry.partition("-") for entry in text.split())
    return Ranges(tuple((int(first, 16), int(last or first, 16)) for first, _, last in pairs))


LETTERS = _ranges(
    "c0-d6 d8-f6 f8-131 134-13e 141-148 14a-17e 180-1bf 1cd-1f0 1f4-250 252-260 263-269 26b-273 275-27f 281-28e "
    "290-298 29a-29b 29d-29e 2a0-2af 370-373 376-377 37b-37d 37f 386 388-38a 38c 38e-3a1 3a3-3cf 3d7-3ef 3f3 "
    "3f7-3f8 3fa-481 48a-52f 531-556 560-586 588 904-939 93d 950 960-961 971-980 985-98c 98f-990 993-9a8 9aa-9b0 "
    "9b2 9b6-9b9 9bd 9ce 9e0-9e1 9f0-9f1 9fc a05-a0a a0f-a10 a13-a28 a2a-a30 a32 a35 a38-a39 a5c a72-a74 a85-a8d "
    "a8f-a91 a93-aa8 aaa-ab0 ab2-ab3 ab5-ab9 abd ad0 ae0-ae1 af9 b05-b0c b0f-b10 b13-b28 b2a-b30 b32-b33 b35-b39 "
    "b3d b5f-b61 b71 b83 b85-b8a b8e-b90 b92-b95 b99-b9a b9c b9e-b9f ba3-ba4 ba8-baa bae-bb9 bd0 c05-c0c c0e-c10 "
    "c12-c28 c2a-c39 c3d c58-c5a c5d c60-c61 c80 c85-c8c c8e-c90 c92-ca8 caa-cb3 cb5-cb9 cbd cdd-cde ce0-ce1 "
    "cf1-cf2 d04-d0c d0e-d10 d12-d3a d3d d4e d54-d56 d5f-d61 d7a-d7f d85-d96 d9a-db1 db3-dbb dbd dc0-dc6 e01-e30 "
    "e32 e40-e46 e81-e82 e84 e86-e8a e8c-ea3 ea5 ea7-eb0 eb2 ebd ec0-ec4 ec6 ede-edf f00 f40-f42 f44-f47 f49-f4c "
    "f4e-f51 f53-f56 f58-f5b f5d-f68 f6a-f6c f88-f8c 1000-102a 103f 1050-1055 105a-105d 1061 1065-1066 106e-1070 "
    "1075-1081 108e 10a0-10c5 10c7 10cd 10d0-10fa 10fd-10ff 1200-1248 124a-124d 1250-1256 1258 125a-125d "
    "1260-1288 128a-128d 1290-12b0 12b2-12b5 12b8-12be 12c0 12c2-12c5 12c8-12d6 12d8-1310 1312-1315 1318-135a "
    "1380-138f 13a0-13f5 13f8-13fd 1401-1426 1428-1432 1434-1437 1439-1449 144b-166c 166f-167f 1681-169a "
    "16a0-16ea 16f1-16f8 1700-1711 171f-1731 1740-1751 1760-176c 176e-1770 1780-17b3 17d7 17dc 1820-1878 "
    "1880-1884 1887-18a8 18aa 18b0-18f5 1900-191e 1950-196d 1970-1974 1980-19ab 19b0-19c9 1a00-1a16 1a20-1a54 "
    "1aa7 1b05-1b33 1b45-1b4c 1b83-1ba0 1bae-1baf 1bba-1be5 1c00-1c23 1c4d-1c4f 1c5a-1c7d 1c80-1c88 1c90-1cba "
    "1cbd-1cbf 1ce9-1cec 1cee-1cf3 1cf5-1cf6 1cfa 1e00-1e99 1e9c-1f15 1f18-1f1d 1f20-1f45 1f48-1f4d 1f50-1f57 "
    "1f59 1f5b 1f5d 1f5f-1f70 1f72 1f74 1f76 1f78 1f7a 1f7c 1f80-1fb4 1fb6-1fba 1fbc 1fc2-1fc4 1fc6-1fc8 1fca "
    "1fcc 1fd0-1fd2 1fd6-1fda 1fe0-1fe2 1fe4-1fea 1fec 1ff2-1ff4 1ff6-1ff8 1ffa 1ffc 2132 214e 2183-2184 "
    "2c00-2c7b 2c7e-2ce4 2ceb-2cee 2cf2-2cf3 2d00-2d25 2d27 2d2d 2d30-2d67 2d80-2d96 2da0-2da6 2da8-2dae "
    "2db0-2db6 2db8-2dbe 2dc0-2dc6 2dc8-2dce 2dd0-2dd6 2dd8-2dde 2e2f 3005-3006 303b-303c 3041-3096 309d-309e "
    "30a1-30fa 30fc-30fe 3105-312f 31a0-31bf 31f0-31ff 3400-4dbf 4e00-a48c a4d0-a4f7 a500-a60c a610-a61f "
    "a62a-a62b a640-a66e a67f-a69b a6a0-a6e5 a722-a72f a732-a76f a771-a787 a78d-a7ca a7d0-a7d1 a7d3 a7d5-a7d9 "
    "a800-a801 a803-a805 a807-a80a a80c-a822 a840-a873 a882-a8b3 a8f2-a8f7 a8fb a8fd-a8fe a90a-a925 a930-a946 "
    "a984-a9b2 a9cf a9e0-a9e4 a9e6-a9ef a9fa-a9fe aa00-aa28 aa40-aa42 aa44-aa4b aa60-aa76 aa7a aa7e-aaaf aab1 "
    "aab5-aab6 aab9-aabd aac0 aac2 aadb-aadd aae0-aaea aaf2-aaf4 ab01-ab06 ab09-ab0e ab11-ab16 ab20-ab26 "
    "ab28-ab2e ab30-ab5a ab70-abe2 ac00-d7a3 fa0e-fa0f fa11 fa13-fa14 fa1f fa21 fa23-fa24 fa27-fa29"
)
"""Letters that are shown as themselves, unless the word that they stand in is suspicious."""

RIGHT_TO_LEFT = _ranges(
    "5d0-5ea 5ef-5f2 620-63f 641-64a 66e-66f 671-674 679-6d3 6d5 6e5-6e6 6ee-6ef 6fa-6fc 6ff 710 712-72f 74d-7a5 "
    "7b1 7ca-7ea 800-815 81a 824 828 840-858 860-86a 870-887 889-88e 8a0-8c9 fe73"
)
"""Letters that are written from right to left and so move what stands around them."""

SCRIPTS = {
    "latin": _ranges(
        "c0-d6 d8-f6 f8-131 134-13e 141-148 14a-17e 180-1bf 1cd-1f0 1f4-250 252-260 263-269 26b-273 275-27f "
        "281-28e 290-298 29a-29b 29d-29e 2a0-2af 1e00-1e99 1e9c-1eff 2184 2c60-2c7b 2c7e-2c7f a722-a72f "
        "a732-a76f a771-a787 a78d-a7ca a7d0-a7d1 a7d3 a7d5-a7d9 ab30-ab5a"
    ),
    "greek": _ranges(
        "370-373 376-377 37b-37d 37f 386 388-38a 38c 38e-3a1 3a3-3cf 3d7-3e1 3f3 3f7-3f8 3fa-3ff 1f00-1f15 "
        "1f18-1f1d 1f20-1f45 1f48-1f4d 1f50-1f57 1f59 1f5b 1f5d 1f5f-1f70 1f72 1f74 1f76 1f78 1f7a 1f7c "
        "1f80-1fb4 1fb6-1fba 1fbc 1fc2-1fc4 1fc6-1fc8 1fca 1fcc 1fd0-1fd2 1fd6-1fda 1fe0-1fe2 1fe4-1fea 1fec "
        "1ff2-1ff4 1ff6-1ff8 1ffa 1ffc"
    ),
    "coptic": _ranges("3e2-3ef 2c80-2ce4 2ceb-2cee 2cf2-2cf3"),
    "cyrillic": _ranges("400-481 48a-52f 1c80-1c88 a640-a66e a67f-a69b"),
    "armenian": _ranges("531-556 560-586 588"),
    "cherokee": _ranges("13a0-13f5 13f8-13fd ab70-abbf"),
    "lisu": _ranges("a4d0-a4f7"),
}
"""Those of `LETTERS` that belong to scripts with look-alikes among each other; a word has letters of one of them."""

COMBINING = _ranges(
    "300-34e 350-36f 483-489 591-5bd 5bf 5c1-5c2 5c4-5c5 5c7 610-61a 64b-65f 670 6d6-6dc 6df-6e4 6e7-6e8 6ea-6ed "
    "711 730-74a 7a6-7b0 7eb-7f3 7fd 816-819 81b-823 825-827 829-82d 859-85b 898-89f 8ca-8e1 8e3-903 93a-93c "
    "93e-94f 951-957 962-963 981-983 9bc 9be-9c4 9c7-9c8 9cb-9cd 9d7 9e2-9e3 9fe a01-a03 a3c a3e-a42 a47-a48 "
    "a4b-a4d a51 a70-a71 a75 a81-a83 abc abe-ac5 ac7-ac9 acb-acd ae2-ae3 afa-aff b01-b03 b3c b3e-b44 b47-b48 "
    "b4b-b4d b55-b57 b62-b63 b82 bbe-bc2 bc6-bc8 bca-bcd bd7 c00-c04 c3c c3e-c44 c46-c48 c4a-c4d c55-c56 c62-c63 "
    "c81-c83 cbc cbe-cc4 cc6-cc8 cca-ccd cd5-cd6 ce2-ce3 d00-d03 d3b-d3c d3e-d44 d46-d48 d4a-d4d d57 d62-d63 "
    "d81-d83 dca dcf-dd4 dd6 dd8-ddf df2-df3 e31 e34-e3a e47-e4e eb1 eb4-ebc ec8-ecd f18-f19 f35 f37 f39 f3e-f3f "
    "f71-f84 f86-f87 f8d-f97 f99-fbc fc6 102b-103e 1056-1059 105e-1060 1062-1064 1067-106d 1071-1074 1082-108d "
    "108f 109a-109d 135d-135f 1712-1715 1732-1734 1752-1753 1772-1773 17b6-17d3 17dd 1885-1886 18a9 1920-192b "
    "1930-193b 1a17-1a1b 1a55-1a5e 1a60-1a7c 1a7f 1ab0-1ace 1b00-1b04 1b34-1b44 1b6b-1b73 1b80-1b82 1ba1-1bad "
    "1be6-1bf3 1c24-1c37 1cd0-1cd2 1cd4-1ce8 1ced 1cf4 1cf7-1cf9 1dc0-1dff 20d0-20f0 2cef-2cf1 2d7f 2de0-2dff "
    "302a-302f 3099-309a a66f-a672 a674-a67d a69e-a69f a6f0-a6f1 a802 a806 a80b a823-a827 a82c a880-a881 "
    "a8b4-a8c5 a8e0-a8f1 a8ff a926-a92d a947-a953 a980-a983 a9b3-a9c0 a9e5 aa29-aa36 aa43 aa4c-aa4d aa7b-aa7d "
    "aab0 aab2-aab4 aab7-aab8 aabe-aabf aac1 aaeb-aaef aaf5-aaf6 abe3-abea abec-abed fb1e fe20-fe2f 101fd 102e0 "
    "10376-1037a 10a01-10a03 10a05-10a06 10a0c-10a0f 10a38-10a3a 10a3f 10ae5-10ae6 10d24-10d27 10eab-10eac "
    "10f46-10f50 10f82-10f85 11000-11002 11038-11046 11070 11073-11074 1107f-11082 110b0-110ba 110c2 11100-11102 "
    "11127-11134 11145-11146 11173 11180-11182 111b3-111c0 111c9-111cc 111ce-111cf 1122c-11237 1123e 112df-112ea "
    "11300-11303 1133b-1133c 1133e-11344 11347-11348 1134b-1134d 11357 11362-11363 11366-1136c 11370-11374 "
    "11435-11446 1145e 114b0-114c3 115af-115b5 115b8-115c0 115dc-115dd 11630-11640 116ab-116b7 1171d-1172b "
    "1182c-1183a 11930-11935 11937-11938 1193b-1193e 11940 11942-11943 119d1-119d7 119da-119e0 119e4 11a01-11a0a "
    "11a33-11a39 11a3b-11a3e 11a47 11a51-11a5b 11a8a-11a99 11c2f-11c36 11c38-11c3f 11c92-11ca7 11ca9-11cb6 "
    "11d31-11d36 11d3a 11d3c-11d3d 11d3f-11d45 11d47 11d8a-11d8e 11d90-11d91 11d93-11d97 11ef3-11ef6 16af0-16af4 "
    "16b30-16b36 16f4f 16f51-16f87 16f8f-16f92 16ff0-16ff1 1bc9d-1bc9e 1cf00-1cf2d 1cf30-1cf46 1d165-1d169 "
    "1d16d-1d172 1d17b-1d182 1d185-1d18b 1d1aa-1d1ad 1d242-1d244 1da00-1da36 1da3b-1da6c 1da75 1da84 1da9b-1da9f "
    "1daa1-1daaf 1e000-1e006 1e008-1e018 1e01b-1e021 1e023-1e024 1e026-1e02a 1e130-1e136 1e2ae 1e2ec-1e2ef "
    "1e8d0-1e8d6 1e944-1e94a"
)
"""Marks that sit on, in or around the character before them (Mn, Mc, Me)."""

INVISIBLE = _ranges(
    "ad 34f 600-605 6dd 70f 890-891 8e2 115f-1160 17b4-17b5 180b-180f 200b-200d 2060-2065 206a-206f 2800 3164 "
    "fe00-fe0f feff ffa0 fff0-fffc 110bd 110cd 13430-13438 16fe4 1bca0-1bca3 1d159 1d173-1d17a e0000-e0fff"
)
"""Characters without a glyph: formatting, fillers, variation selectors, tags, interlinear marks."""

ODD_SPACES = _ranges("a0 1680 2000-200a 202f 205f 3000")
"""Spaces (Zs) other than U+0020."""

IMITATORS = _ranges(
    "391-392 395-397 399-39a 39c-39d 39f 3a1 3a4-3a5 3a7 3bd 3bf 3c1 3f3 405-406 408 410 412 415 41a 41c-41e "
    "420-422 425 430 435 43e 440-441 443 445 455-456 458 474-475 4ae 4bb 4c0 4cf 501 50c 51a-51d 53c 54d 54f 555 "
    "566 570 575 578 57d 581 585 13a0-13a2 13a5 13aa-13ac 13b3 13b7 13bb 13bd 13c0 13c3 13cf 13d2 13d4-13d5 "
    "13d9-13da 13de-13df 13e2 13e6 13f4 a4d0-a4f7"
)
"""Letters of other scripts whose glyph is that of an ASCII letter in common fonts."""
