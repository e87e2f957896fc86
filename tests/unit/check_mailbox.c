/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pthread.h>

#include "datapath/util/mailbox.h"
#include "unit.h"

#define SENDERS 4
#define LETTERS 20000

struct note {
	struct letter letter;
	unsigned      sender, number;
};

struct post {
	struct mailbox box;
	struct note    notes[SENDERS][LETTERS];
	unsigned       next[SENDERS];
	unsigned       total;
};

static void
on_letter(void *arg, struct letter *letter)
{
	struct post *post = arg;
	struct note *note = container_of(letter, struct note, letter);

	ck_assert_uint_eq(note->number, post->next[note->sender]);
	post->next[note->sender]++;
	if (++post->total == SENDERS * LETTERS)
		ev_break(post->box.loop, EVBREAK_ALL);
}

struct sender {
	struct post *post;
	unsigned     index;
};

static void *
send_all(void *arg)
{
	struct sender *sender = arg;

	for (unsigned i = 0; i < LETTERS; i++) {
		struct note *note = &sender->post->notes[sender->index][i];

		note->sender = sender->index;
		note->number = i;
		mailbox_post(&sender->post->box, &note->letter);
	}
	return NULL;
}

static void
on_too_late(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	ev_break(loop, EVBREAK_ALL);
}

START_TEST(all_letters_arrive_in_each_senders_order)
{
	struct post    *post = calloc(1, sizeof(*post));
	struct ev_loop *loop = ev_loop_new(0);
	struct sender	senders[SENDERS];
	pthread_t	threads[SENDERS];
	struct ev_timer late;

	mailbox_open(&post->box, loop, on_letter, post);
	ev_timer_init(&late, on_too_late, 30, 0);
	ev_timer_start(loop, &late);
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender) { post, i };
		pthread_create(&threads[i], NULL, send_all, &senders[i]);
	}
	ev_run(loop, 0);
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(post->total, SENDERS * LETTERS);
	mailbox_close(&post->box);
	ev_loop_destroy(loop);
	free(post);
}
END_TEST

START_TEST(what_is_left_is_delivered_at_the_end)
{
	struct post    *post = calloc(1, sizeof(*post));
	struct ev_loop *loop = ev_loop_new(0);

	mailbox_open(&post->box, loop, on_letter, post);
	for (unsigned i = 0; i < 3; i++) {
		post->notes[0][i].number = i;
		mailbox_post(&post->box, &post->notes[0][i].letter);
	}
	mailbox_close(&post->box);
	ck_assert_uint_eq(post->total, 3);
	ev_loop_destroy(loop);
	free(post);
}
END_TEST

UNIT_MAIN("mailbox", all_letters_arrive_in_each_senders_order,
    what_is_left_is_delivered_at_the_end)
