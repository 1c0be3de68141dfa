/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DEVMEM_LIB_ERROR_H
#define DEVMEM_LIB_ERROR_H

/* Fills struct devmem_error. The functions that do so accept err == NULL, and return the code that
 * they were given. */

#include <stdarg.h>

#include <devmem/error.h>

/* An error that the library found itself: message is "subject: text". The kind is INPUT unless the
 * code says that something is missing. */
int error_input(struct devmem_error *err, int code, const char *subject, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same for a prerequisite that isn't there. */
int error_missing(struct devmem_error *err, int code, const char *operation, const char *subject,
		  const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* A system call or ioctl failed: message is "subject: operation: strerror"; hint, if not NULL,
 * follows after "; ". The kind comes from the code (ENOENT, ENODEV, EACCES, EPERM, EOPNOTSUPP, ...:
 * missing; others: refused). */
int error_system(struct devmem_error *err, int code, const char *operation, const char *subject,
		 const char *hint, ...) __attribute__((format(printf, 5, 6)));

/* The same with another text than the errno's description, and without a hint. */
int error_operation(struct devmem_error *err, int code, const char *operation, const char *subject,
		    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Passes an error on. Return: its code. */
int error_copy(struct devmem_error *err, const struct devmem_error *from);
/* Appends "; " and advice to an error's message. */
void error_hint(struct devmem_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Sets the kind, where the code alone says too little. */
void error_kind(struct devmem_error *err, int kind);

/* Name of an errno, "EINVAL", also of 524 and 525; "errno N" into buf for others. */
const char *error_name(int code, char buf[16]);
/* What an errno means, "Invalid argument". */
const char *error_description(int code);

#endif
