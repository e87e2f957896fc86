/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/util/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/nitems.h"
#include "cmd/util/admin_call.h"
#include "cmd/util/must.h"
#include "conf/conf_socket.h"
#include "monitor/state/pidfile.h"

/* KIND_DEFAULT: the value is optional. */
enum kind { KIND_STRING, KIND_DEFAULT, KIND_FLAG, KIND_COUNT, KIND_LIST };

#define WAIT_DEFAULT "30"
#define WAIT_MAX     86400

static const struct row {
	enum options_flag option;
	const char *name;
	char	    letter; /* 0: none */
	enum kind   kind;
	size_t	    offset;
	const char *argument; /* NULL: no argument */
	const char *help;
} rows[] = {
#define ROW(option, name, letter, kind, field, argument, help)                 \
	{ OPTION_##option, name, letter, KIND_##kind,                          \
	    offsetof(struct options, field), argument, help },
	OPTIONS(ROW)
#undef ROW
};

#define HELP_VALUE 1000 /* what getopt_long() returns for --help */

static void make_tables(const struct options_spec *spec,
    struct option *longs, char *shorts);
static int  says_where(const char *word);
static const struct row *row_of(int value);
static bool set(struct options *options, const struct row *row);
static bool set_dir(struct options *options);
static bool set_seconds(struct options *options);
static void help(const struct options_spec *spec);
static void help_row(const struct row *row);
static void say_to_stderr(void *arg, const char *text);

void
options_command_first(int argc, char **argv)
{
	char *command;
	int   at = 1;

	while (at < argc && says_where(argv[at]) > 0)
		at += says_where(argv[at]);
	if (at == 1 || at >= argc)
		return;
	command = argv[at];
	memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof(*argv));
	argv[1] = command;
}

/* How many words it uses: 0 if it is not one of these options. */
static int
says_where(const char *word)
{
	static const char *const options[] = { "--dir", "--config", "--socket",
		"-c" };

	for (size_t i = 0; i < nitems(options); i++) {
		size_t len = strlen(options[i]);

		if (strncmp(word, options[i], len) != 0)
			continue;
		if (word[len] == '\0')
			return 2;
		if (word[len] == '=' || options[i][1] != '-')
			return 1;
	}
	return 0;
}

int
options_parse(struct options *options, const struct options_spec *spec,
    int argc, char **argv)
{
	struct option longs[nitems(rows) + 2];
	char	      shorts[2 * nitems(rows) + 4];
	const struct row *row;
	int		  value;

	*options = (struct options) { .file = CONF_FILE };
	make_tables(spec, longs, shorts);
	opterr = 0;
	optind = 0;
	while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (value == 'h' || value == HELP_VALUE) {
			help(spec);
			return 0;
		}
		row = row_of(value);
		if (value == ':')
			return options_wrong(spec, "%s needs a value",
			    argv[optind - 1]);
		if (row != NULL && optarg != NULL && *optarg == '\0')
			return options_wrong(spec, "--%s needs a value",
			    row->name);
		if (row != NULL && optarg == argv[optind - 1] &&
		    optarg[0] == '-' && optarg[1] != '\0')
			return options_wrong(spec, "--%s needs a value, and "
			    "%s is an option", row->name, optarg);
		/* "--wait 5" is "--wait=5". */
		if (row != NULL && row->kind == KIND_DEFAULT &&
		    optarg == NULL && optind < argc &&
		    isdigit((unsigned char)*argv[optind]))
			optarg = argv[optind++];
		if (row == NULL && optopt != 0 && row_of(optopt) == NULL)
			return options_wrong(spec, "no such option: -%c",
			    isprint(optopt) ? optopt : '?');
		if (row == NULL)
			return options_wrong(spec, optopt != 0 ?
				"%s takes no value" : "no such option: %s",
			    argv[optind - 1]);
		if (!set(options, row))
			return options_wrong(spec, "--%s is given twice",
			    row->name);
	}
	if (options->where != NULL && options->config != NULL)
		return options_wrong(spec, "--dir and -c exclude each other");
	if (!set_dir(options))
		return options_wrong(spec, "the path is too long");
	if (!set_seconds(options))
		return options_wrong(spec, "--wait %s: expected 0 to %d "
		    "seconds", options->wait, WAIT_MAX);
	options->args = argv + optind;
	options->nargs = argc - optind;
	if (options->nargs < spec->min_args)
		return options_wrong(spec, "expected %.*s",
		    (int)strcspn(spec->synopsis, " "), spec->synopsis);
	if (options->nargs > spec->max_args)
		return options_wrong(spec, "one argument too many: %s",
		    options->args[spec->max_args]);
	return OPTIONS_GO_ON;
}

int
options_wrong(const struct options_spec *spec, const char *fmt, ...)
{
	char	what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	log_warnx("%s: %s; see tombolo %s --help", spec->command, what,
	    spec->command);
	return 2;
}

char *
options_config(const struct options *options)
{
	return must(options->config != NULL ? strdup(options->config) :
		file_join(options->dir, options->file));
}

char *
options_owner(const struct options *options)
{
	AUTO_FREE char *path = options_config(options);

	return options->socket != NULL ? NULL : conf_socket_resolve(path);
}

char *
options_socket(const struct options *options)
{
	AUTO_FREE char *owner = options_owner(options), *path = NULL;
	char	       *other;

	if (options->socket != NULL)
		return must(strdup(options->socket));
	if (owner != NULL)
		path = conf_socket(owner);
	if (path == NULL) {
		log_warnx("the working directory is gone; give --socket PATH");
		return NULL;
	}
	other = pidfile_elsewhere(path, owner);
	if (other != NULL) {
		free(path);
		path = other;
	}
	return pidfile_is_ours(path, owner) ? auto_take(&path) : NULL;
}

json_t *
options_ask(const struct options *options, json_t *request)
{
	AUTO_FREE char *path = options_socket(options);

	if (path != NULL)
		return admin_call_or_say(path, request);
	json_decref(request);
	return NULL;
}

struct conf *
options_load(const char *path, enum conf_load how)
{
	struct conf_errors errors = { .say = say_to_stderr };

	return conf_load(path, how, &errors);
}

struct conf *
options_try(const char *path, enum conf_load how)
{
	struct conf_errors errors = { .say = NULL };

	return conf_load(path, how, &errors);
}

void
options_put_where(const struct options *options)
{
	if (strcmp(options->dir, CONF_DIR) != 0 ||
	    strcmp(options->file, CONF_FILE) != 0)
		printf(" -c %s/%s", options->dir, options->file);
}

/* The arguments of getopt_long() for the options that the command accepts. */
static void
make_tables(const struct options_spec *spec, struct option *longs, char *shorts)
{
	unsigned n = 0;

	/*
	 * A leading ':' distinguishes a missing value from an unknown option.
	 */
	*shorts++ = ':';
	*shorts++ = 'h';
	for (size_t i = 0; i < nitems(rows); i++) {
		bool takes = rows[i].argument != NULL;

		if ((spec->takes & rows[i].option) == 0)
			continue;
		longs[n++] = (struct option) {
			.name = rows[i].name,
			.has_arg = rows[i].kind == KIND_DEFAULT ?
			    optional_argument :
			    takes ? required_argument : no_argument,
			.val = HELP_VALUE + 1 + (int)i,
		};
		if (rows[i].letter == 0)
			continue;
		*shorts++ = rows[i].letter;
		if (takes)
			*shorts++ = ':';
	}
	*shorts = '\0';
	longs[n++] = (struct option) { .name = "help", .val = HELP_VALUE };
	longs[n] = (struct option) { 0 };
}

/* NULL for '?', an unknown option. */
static const struct row *
row_of(int value)
{
	if (value > HELP_VALUE && value <= HELP_VALUE + (int)nitems(rows))
		return &rows[value - HELP_VALUE - 1];
	for (size_t i = 0; i < nitems(rows); i++) {
		if (rows[i].letter != 0 && rows[i].letter == value)
			return &rows[i];
	}
	return NULL;
}

/* False if it must not be repeated. */
static bool
set(struct options *options, const struct row *row)
{
	void		    *at = (char *)options + row->offset;
	struct options_list *list;

	switch (row->kind) {
	case KIND_FLAG:
		*(bool *)at = true;
		return true;
	case KIND_COUNT:
		++*(unsigned *)at;
		return true;
	case KIND_LIST:
		list = at;
		if (list->n == nitems(list->v))
			return false;
		list->v[list->n++] = optarg;
		return true;
	case KIND_STRING:
	case KIND_DEFAULT:
		break;
	}
	if (*(const char **)at != NULL)
		return false;
	*(const char **)at = optarg != NULL ? optarg : WAIT_DEFAULT;
	return true;
}

/* Resolves --dir or -c; some commands work in the directory itself. */
static bool
set_dir(struct options *options)
{
	const char *dir = options->where != NULL ? options->where : CONF_DIR;
	const char *slash;

	if (options->config == NULL)
		return strlcpy(options->dir, dir, sizeof(options->dir)) <
		    sizeof(options->dir);
	if (strlcpy(options->dir, options->config, sizeof(options->dir)) >=
	    sizeof(options->dir))
		return false;
	slash = strrchr(options->config, '/');
	options->file = slash != NULL ? slash + 1 : options->config;
	dir = dirname(options->dir);
	memmove(options->dir, dir, strlen(dir) + 1);
	return true;
}

static bool
set_seconds(struct options *options)
{
	const char *wrong = NULL;

	options->seconds = options->wait == NULL ? -1 :
	    (int)strtonum(options->wait, 0, WAIT_MAX, &wrong);
	return wrong == NULL;
}

static void
help(const struct options_spec *spec)
{
	printf("usage: tombolo %s%s%s\n\n%s\n\n", spec->command,
	    *spec->synopsis != '\0' ? " " : "", spec->synopsis, spec->help);
	for (size_t i = 0; i < nitems(rows); i++) {
		if ((spec->takes & rows[i].option) != 0)
			help_row(&rows[i]);
	}
	printf("  %-27s %s\n", "--help", "show this");
}

static void
help_row(const struct row *row)
{
	char left[64];

	snprintf(left, sizeof(left), "%s%c%s--%s%s%s",
	    row->letter != 0 ? "-" : "", row->letter != 0 ? row->letter : ' ',
	    row->letter != 0 ? ", " : "", row->name,
	    row->argument != NULL && row->kind != KIND_DEFAULT ? " " : "",
	    row->argument != NULL ? row->argument : "");
	printf("  %-27s %s\n", left + (row->letter == 0), row->help);
}

static void
say_to_stderr(void *arg, const char *text)
{
	fprintf(stderr, "%s\n", text);
}
