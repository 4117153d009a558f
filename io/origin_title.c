#include "io/origin_title.h"

#include "io/origin.h"
#include "io/origin_random.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const subjects[] = {
    "History",     "Geography",      "Bridges",  "Café culture", "Folk music",
    "Lighthouses", "Canals & locks", "Écoles",   "Mills",        "Tramways",
    "Flora",       "Naïve art",      "Cuisine",  "Harbours",     "Law & order",
    "Weather",     "Railways",       "Glaciers", "Übergänge",    "Jalapeño farming",
};

static const char *const places[] = {
    "Åland",   "São Tomé",  "Kraków",   "Łódź",          "Ħamrun",     "東京",   "北京市",
    "서울",    "Αθήνα",     "Москва",   "القاهرة",       "תל אביב",    "Zürich", "Þingvellir",
    "Đà Nẵng", "Reykjavík", "Besançon", "L'Aquila",      "Østfold",    "İzmir",  "Київ",
    "京都府",  "กรุงเทพ",    "Oulu",     "Ciudad Juárez", "Saint-Malo", "Győr",
};

static const char *const tails[] = {
    "",  "",       "",      "",           "(band)",     "(novel)", "🎸",           "🌊 🏔️",
    "–", "& Sons", "A < B", "\"quoted\"", "100 % pure", "№ 5",     "👩‍🚀", "½"};

void origin_html_escape(const char *text, FILE *out)
{
    for (; *text; text++) {
        const char *entity = *text == '&'   ? "&amp;"
                             : *text == '<' ? "&lt;"
                             : *text == '>' ? "&gt;"
                             : *text == '"' ? "&quot;"
                                            : NULL;
        if (entity)
            fputs(entity, out);
        else
            putc(*text, out);
    }
}

/* Every character as a numeric reference, decimal and hexadecimal in turn. The tables above are valid UTF-8.
 */
static void write_references(const char *text, FILE *out)
{
    for (unsigned turn = 0; *text; turn++) {
        unsigned char first = (unsigned char)*text++;
        unsigned more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
        uint32_t point = more ? first & (0x3fU >> more) : first;
        for (; more && *text; more--)
            point = point << 6 | ((unsigned char)*text++ & 0x3fU);
        fprintf(out, turn % 2 ? "&#x%X;" : "&#%u;", (unsigned)point);
    }
}

static void write_piece(const char *piece, struct origin_random *random, FILE *html)
{
    static const char *const wraps[][2] = {
        {"<i>", "</i>"},
        {"<span class=\"mw-page-title-main\">", "</span>"},
        {"<a href='/article/1' title=\"<h1>decoy</h1>\">", "</a>"},
        {"<!-- <h1>decoy</h1> --><b><i>", "</i></b>"},
    };
    unsigned style = (unsigned)origin_random_below(random, 12);
    const char *const *wrap = style < COUNT(wraps) ? wraps[style] : (const char *const[2]){"", ""};
    fputs(wrap[0], html);
    if (style >= 10)
        write_references(piece, html);
    else
        origin_html_escape(piece, html);
    fputs(wrap[1], html);
}

void origin_title_write(uint64_t seed, uint64_t n, FILE *text, FILE *html)
{
    static const char *const spaces[] = {" ", " ", " ", "\n      ", "\t "};
    struct origin_random words = origin_random_for(seed, 1, n), style = origin_random_for(seed, 2, n);
    char number[24];
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)n);
    const char *pieces[5] = {subjects[origin_random_below(&words, COUNT(subjects))]};
    pieces[1] = origin_random_below(&words, 2) ? "of" : "in";
    pieces[2] = places[origin_random_below(&words, COUNT(places))];
    pieces[3] = tails[origin_random_below(&words, COUNT(tails))];
    pieces[4] = number;
    bool loose = origin_random_below(&style, 4) == 0;
    if (html && loose)
        fputs("\n   ", html);
    for (unsigned i = 0; i < COUNT(pieces); i++) {
        if (!*pieces[i])
            continue;
        if (text)
            fprintf(text, "%s%s", i ? " " : "", pieces[i]);
        if (html) {
            fputs(i ? spaces[loose ? origin_random_below(&style, COUNT(spaces)) : 0] : "", html);
            write_piece(pieces[i], &style, html);
        }
    }
    if (html && loose)
        fputs("\n", html);
}

/* The longest prefix of at most room bytes that does not end within a character. */
static size_t whole_characters(const char *text, size_t length, size_t room)
{
    if (length <= room)
        return length;
    while (room && ((unsigned char)text[room] & 0xc0) == 0x80)
        room--;
    return room;
}

size_t origin_article_title(uint64_t seed, uint64_t n, char *out, size_t size)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (!stream)
        return 0;
    origin_title_write(seed, n, stream, NULL);
    bool good = !ferror(stream);
    good = fclose(stream) == 0 && good;
    if (good && size) {
        size_t kept = whole_characters(text, length, size - 1);
        memcpy(out, text, kept);
        out[kept] = '\0';
    }
    free(text);
    return good ? length : 0;
}
