/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text: text files as editors of all systems write them.
 *
 * UTF-8 with or without a byte order mark; lines that end in LF, CR LF or CR.
 * UTF-16 is refused, since all of it would be read as something else.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

/* Skips a byte order mark. 0, or -EILSEQ: it is UTF-16. */
int text_begin(const char **text, size_t *len);

/* In place: no byte order mark, and LF at line ends.  0 or -EILSEQ. */
int text_normalize(char *text, size_t *len);

/*
 * In place: extracts the only line, without its end; a password or another
 * credential is one.  Also -EBADMSG: it is empty, has several lines or a NUL;
 * -EPROTO: it has a control character other than a tab.
 */
int text_line(char *text, size_t *len);

/* The text for one of these errors, to follow the file's name. */
const char *text_explain(int error);

#endif /* TEXT_H */
