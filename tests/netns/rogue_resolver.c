/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rogue_resolver: tombolo with a resolver that somebody took over, by an answer
 * of a name server perhaps.  Linked as rogue.c is; what it tries is in $ROGUE.
 * It is put in its place as the real one is, and says how it went on stderr.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "proc/proc.h"
#include "proc/sandbox.h"
#include "resolver/resolver.h"

#include "rogue.h"

static long
try_listen(void)
{
	return listen(socket(AF_INET, SOCK_STREAM, 0), 1);
}

static long
try_ioctl(void)
{
	return ioctl(STDERR_FILENO, 0x5401 /* TCGETS */, &(char[64]) { 0 });
}

static long
try_unlink(void)
{
	return unlink("/etc/hosts");
}

/* The list allows these calls; other walls have to hold. */

static long
try_write_file(void)
{
	return open("/tmp/tombolo-was-here", O_WRONLY | O_CREAT, 0600);
}

static long
try_change_file(void)
{
	return open("/etc/hosts", O_WRONLY);
}

static long
try_read_proc(void)
{
	return open("/proc/1/status", O_RDONLY);
}

/* The one thing it is for is still there. */
static long
try_hosts(void)
{
	return open("/etc/hosts", O_RDONLY) < 0 ? -1 : 0;
}

static const struct attack attacks[] = {
	{ "exec", try_exec },
	{ "fork", try_fork },
	{ "kill", try_kill },
	{ "ptrace", try_ptrace },
	{ "readv", try_readv },
	{ "listen", try_listen },
	{ "ioctl", try_ioctl },
	{ "unlink", try_unlink },
	{ "write-file", try_write_file },
	{ "change-file", try_change_file },
	{ "read-proc", try_read_proc },
	{ "packet", try_packet },
	{ "hosts", try_hosts },
};

int
resolver_main(void)
{
	attack = getenv("ROGUE");
	sandbox_files(PROC_RESOLVER, -1, -1);
	sandbox_calls(PROC_RESOLVER);
	if (attack == NULL)
		return 1;
	say("begins", 0);
	run_attack(attacks, sizeof(attacks) / sizeof(attacks[0]));
	hold_on();
}
