#include "import/turns.h"

#include <pthread.h>

/* How often a manifest is being put, and how many that list it are. */
struct turn {
    size_t puts, lists;
};

struct ferry_turns {
    pthread_mutex_t lock;
    pthread_cond_t over;
    struct turn nodes[]; /* by node->place */
};

int ferry_turns_new(const struct ferry_graph *graph, struct ferry_turns **out,
                    struct ferry_err *err)
{
    struct ferry_turns *turns = calloc(1, sizeof(*turns) + graph->count * sizeof(struct turn));

    if (!turns)
        return ferry_fail_memory(err);
    pthread_mutex_init(&turns->lock, NULL);
    pthread_cond_init(&turns->over, NULL);
    *out = turns;
    return 0;
}

void ferry_turns_free(struct ferry_turns *turns)
{
    if (!turns)
        return;
    pthread_cond_destroy(&turns->over);
    pthread_mutex_destroy(&turns->lock);
    free(turns);
}

static bool may_begin(const struct ferry_turns *turns, const struct ferry_node *node)
{
    if (turns->nodes[node->place].lists > 0)
        return false;
    for (size_t i = 0; i < node->count; i++)
        if (turns->nodes[node->children[i]->place].puts > 0)
            return false;
    return true;
}

void ferry_turns_take(struct ferry_turns *turns, const struct ferry_node *node)
{
    pthread_mutex_lock(&turns->lock);
    while (!may_begin(turns, node))
        pthread_cond_wait(&turns->over, &turns->lock);
    turns->nodes[node->place].puts++;
    for (size_t i = 0; i < node->count; i++)
        turns->nodes[node->children[i]->place].lists++;
    pthread_mutex_unlock(&turns->lock);
}

void ferry_turns_give(struct ferry_turns *turns, const struct ferry_node *node)
{
    pthread_mutex_lock(&turns->lock);
    turns->nodes[node->place].puts--;
    for (size_t i = 0; i < node->count; i++)
        turns->nodes[node->children[i]->place].lists--;
    pthread_cond_broadcast(&turns->over);
    pthread_mutex_unlock(&turns->lock);
}
