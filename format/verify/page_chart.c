#include <stdio.h>
#include <string.h>

#include "format/core/size.h"
#include "format/run/progress.h"
#include "format/verify/page_parts.h"

/* Of more images the largest are drawn, and the others are summed up. */
#define DRAWN_MAX 20
#define TICKS_MAX 4

/* The classes that the style colours, and the words of the legend. */
static const struct {
    const char *class, *label, *meaning;
} kinds[FERRY_SPACE_KINDS] = {
    [FERRY_SPACE_OWN] = { "own", "own", "in one image alone" },
    [FERRY_SPACE_SHARED] = { "shared", "shared", "in several images, once in the archive" },
    [FERRY_SPACE_BASE] = { "base", "in a base", "in an earlier archive, not in this one" },
    [FERRY_SPACE_ELSEWHERE] = { "elsewhere", "left out", "on purpose, not in the archive" },
    [FERRY_SPACE_FAULTY] = { "faulty", "faulty", "missing or wrong" },
};

/* A position or a length along a bar: "12.345%". */
#define PART_TEXT_MAX 32
static const char *format_part(int64_t bytes, int64_t scale, char out[PART_TEXT_MAX])
{
    snprintf(out, PART_TEXT_MAX, "%.3f%%", scale > 0 ? 100.0 * (double)bytes / (double)scale : 0);
    return out;
}

/* "own 1.2 GiB, shared 340.0 MiB" */
static void write_words(struct ferry_html *h, const int64_t bytes[FERRY_SPACE_KINDS])
{
    const char *comma = "";

    for (size_t i = 0; i < FERRY_SPACE_KINDS; i++) {
        if (bytes[i] == 0)
            continue;
        ferry_html_put(h, "%s%s ", comma, kinds[i].label);
        ferry_html_size(h, bytes[i]);
        comma = ", ";
    }
}

/* The ticks of all bars: at most TICKS_MAX of them, a round number of bytes apart. */
static int64_t choose_step(int64_t scale)
{
    static const int64_t factors[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500 };

    for (int64_t unit = 1; unit < scale && unit < INT64_MAX / 1024; unit *= 1024)
        for (size_t i = 0; i < FERRY_COUNT(factors); i++)
            if (scale / (unit * factors[i]) <= TICKS_MAX)
                return unit * factors[i];
    return scale > 0 ? scale : 1;
}

struct scale {
    int64_t bytes; /* of the longest bar */
    int64_t step;
};

/* A bar that is as wide as there is room. `number` makes its ids unique. */
static void draw_bar(struct ferry_html *h, const char *name, size_t number,
                     const int64_t bytes[FERRY_SPACE_KINDS], const struct scale *scale)
{
    char x[PART_TEXT_MAX], width[PART_TEXT_MAX];
    int64_t at = 0;

    ferry_html_put(h,
                   "<svg class=\"bar\" width=\"100%%\" height=\"18\" role=\"img\" "
                   "aria-labelledby=\"bar%zu what%zu\"><title id=\"bar%zu\">%s</title>"
                   "<desc id=\"what%zu\">",
                   number, number, number, name, number);
    write_words(h, bytes);
    ferry_html_raw(h, "</desc>");
    for (int64_t i = 1; i <= scale->bytes / scale->step; i++)
        ferry_html_put(h, "<line class=\"tick\" x1=\"%s\" x2=\"%s\" y1=\"0\" y2=\"18\"/>",
                       format_part(i * scale->step, scale->bytes, x), x);
    for (size_t i = 0; i < FERRY_SPACE_KINDS; i++) {
        int64_t left = scale->bytes - at; /* sums that do not fit were cut */
        int64_t part = bytes[i] < left ? bytes[i] : left;

        if (part == 0)
            continue;
        ferry_html_put(h, "<rect class=\"%s\" x=\"%s\" y=\"1\" width=\"%s\" height=\"16\"/>",
                       kinds[i].class, format_part(at, scale->bytes, x),
                       format_part(part, scale->bytes, width));
        at += part;
    }
    ferry_html_raw(h, "</svg>");
}

static void draw_patterns(struct ferry_html *h)
{
    ferry_html_raw(h, "<svg class=\"patterns\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>"
                      "<pattern id=\"hatch\" width=\"6\" height=\"6\" "
                      "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
                      "<rect class=\"hatch-ground\" width=\"6\" height=\"6\"/>"
                      "<rect class=\"hatch-line\" width=\"1.5\" height=\"6\"/></pattern>"
                      "<pattern id=\"dots\" width=\"5\" height=\"5\" "
                      "patternUnits=\"userSpaceOnUse\">"
                      "<rect class=\"dot-ground\" width=\"5\" height=\"5\"/>"
                      "<rect class=\"dot\" x=\"1\" y=\"1\" width=\"2\" height=\"2\"/></pattern>"
                      "<pattern id=\"alarm\" width=\"6\" height=\"6\" "
                      "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(-45)\">"
                      "<rect class=\"alarm-ground\" width=\"6\" height=\"6\"/>"
                      "<rect class=\"alarm-line\" width=\"2\" height=\"6\"/></pattern>"
                      "</defs></svg>\n");
}

/* The whole archive, each blob once. */
static void draw_total(const struct ferry_page *page)
{
    const struct ferry_contents *c = page->contents;
    const struct scale scale = { .bytes = c->sum, .step = INT64_MAX };
    char part[PART_TEXT_MAX];
    struct ferry_html *h = page->html;

    ferry_html_raw(h, "<h3>The whole</h3>\n<div class=\"total\">");
    draw_bar(h, "The whole", 0, c->bytes, &scale);
    ferry_html_raw(h, "</div>\n<ul class=\"legend\">\n");
    for (size_t i = 0; i < FERRY_SPACE_KINDS; i++) {
        if (c->bytes[i] == 0)
            continue;
        ferry_html_put(h,
                       "<li><svg width=\"14\" height=\"14\" aria-hidden=\"true\">"
                       "<rect class=\"%s\" width=\"14\" height=\"14\"/></svg> <b>",
                       kinds[i].class);
        ferry_html_size(h, c->bytes[i]);
        snprintf(part, sizeof(part), "%.0f", 100.0 * (double)c->bytes[i] / (double)c->sum);
        ferry_html_put(h, "</b> %s, %s %% <span class=\"note\">%s</span></li>\n", kinds[i].label,
                       part, kinds[i].meaning);
    }
    ferry_html_raw(h, "</ul>\n");
}

/* "500 MiB": a size without ".0". */
static void write_tick(struct ferry_html *h, int64_t bytes)
{
    char text[FERRY_SIZE_TEXT_MAX];
    char *point;

    ferry_size_format(bytes, text);
    point = strstr(text, ".0 ");
    if (point)
        memmove(point, point + 2, strlen(point + 2) + 1);
    ferry_html_put(h, "%s", text);
}

static void draw_axis(struct ferry_html *h, const struct scale *scale)
{
    char x[PART_TEXT_MAX];

    ferry_html_raw(h, "<li class=\"axis\"><svg width=\"100%\" height=\"16\" aria-hidden=\"true\">");
    for (int64_t i = 1; i <= scale->bytes / scale->step; i++) {
        int64_t tick = i * scale->step;

        ferry_html_put(h, "<text x=\"%s\" y=\"12\" text-anchor=\"%s\">",
                       format_part(tick, scale->bytes, x),
                       tick > scale->bytes / 10 * 9 ? "end" : "middle");
        write_tick(h, tick);
        ferry_html_raw(h, "</text>");
    }
    ferry_html_raw(h, "</svg></li>\n");
}

static void draw_image(const struct ferry_page *page, const struct ferry_contents_image *image,
                       size_t number, const struct scale *scale)
{
    const char *name = page->contents->report->graph->images[image->name].name;
    struct ferry_html *h = page->html;

    ferry_html_raw(h, "<li><span class=\"label\">");
    ferry_page_name(h, name);
    ferry_html_raw(h, "</span>");
    draw_bar(h, name, number, image->bytes, scale);
    ferry_html_raw(h, "<span class=\"number\">");
    ferry_html_size(h, image->sum);
    ferry_html_raw(h, "</span></li>\n");
}

/* Largest first. */
static int compare_images(const void *a, const void *b)
{
    const struct ferry_contents_image *x = *(const struct ferry_contents_image *const *)a;
    const struct ferry_contents_image *y = *(const struct ferry_contents_image *const *)b;

    if (x->sum != y->sum)
        return x->sum > y->sum ? -1 : 1;
    return x->name < y->name ? -1 : x->name > y->name;
}

static int64_t sum_own(const struct ferry_contents_image *const *images, size_t count)
{
    int64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        if (!ferry_add(sum, images[i]->bytes[FERRY_SPACE_OWN], &sum))
            sum = INT64_MAX;
    return sum;
}

static void draw_images(const struct ferry_page *page,
                        const struct ferry_contents_image *const *images, size_t count)
{
    size_t drawn = count < DRAWN_MAX ? count : DRAWN_MAX;
    const struct scale scale = { .bytes = images[0]->sum, .step = choose_step(images[0]->sum) };
    struct ferry_html *h = page->html;

    ferry_html_raw(h, "<h3>Image by image</h3>\n"
                      "<p>What images share is drawn for each of them.</p>\n"
                      "<ol class=\"bars\">\n");
    for (size_t i = 0; i < drawn; i++)
        draw_image(page, images[i], i + 1, &scale);
    draw_axis(h, &scale);
    ferry_html_raw(h, "</ol>\n");
    if (drawn == count)
        return;
    ferry_html_put(h, "<p>And %zu smaller one%s, with ", count - drawn,
                   ferry_plural(count - drawn));
    ferry_html_size(h, sum_own(images + drawn, count - drawn));
    ferry_html_raw(h, " of their own.</p>\n");
}

void ferry_page_chart(const struct ferry_page *page)
{
    const struct ferry_contents *c = page->contents;
    FERRY_OWNED_MEM const struct ferry_contents_image **images = calloc(c->count + 1,
                                                                        sizeof(*images));
    struct ferry_html *h = page->html;
    size_t count = 0;

    if (!images) {
        ferry_fail_memory(&h->err);
        return;
    }
    for (size_t i = 0; i < c->count; i++)
        if (!ferry_page_is_referrer(c, i))
            images[count++] = &c->images[i];
    if (c->sum == 0)
        return;
    ferry_html_raw(h, "<section aria-labelledby=\"space\">\n"
                      "<h2 id=\"space\">Where the space goes</h2>\n");
    draw_patterns(h);
    draw_total(page);
    if (count > 0) {
        qsort(images, count, sizeof(struct ferry_contents_image *), compare_images);
        draw_images(page, images, count);
    }
    ferry_html_raw(h, "</section>\n");
}
