/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rogue: what processes that somebody took over have in common.  What each
 * tries is in $ROGUE; it says "rogue: ATTACK: how it went" on stderr.
 */
#ifndef ROGUE_H
#define ROGUE_H

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct attack {
	const char *name;
	long (*run)(void);
};

static const char *attack;

static void
say(const char *what, long n)
{
	char text[128];
	int  len = snprintf(text, sizeof(text), "rogue: %s: %s %ld\n", attack,
	     what, n);

	(void)!write(STDERR_FILENO, text, (size_t)len);
}

static long
try_exec(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static long
try_fork(void)
{
	return fork();
}

static long
try_kill(void)
{
	return kill(getppid(), SIGKILL);
}

static long
try_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long
try_readv(void)
{
	char	     byte;
	struct iovec local = { &byte, 1 }, remote = { (void *)0x400000, 1 };

	return process_vm_readv(getppid(), &local, 1, &remote, 1, 0);
}

static long
try_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

/* That of $ROGUE, and what became of it. */
static void
run_attack(const struct attack *attacks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(attack, attacks[i].name) == 0)
			say("result", attacks[i].run());
	}
}

/* Until somebody ends it. */
static _Noreturn void
hold_on(void)
{
	for (;;)
		poll(NULL, 0, -1);
}

#endif /* ROGUE_H */
