// SPDX-License-Identifier: BSD-3-Clause
/* Small files. */
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/error.h"
#include "core/number.h"
#include "core/sys.h"

int file_read(const char *path, char *buf, size_t size, struct devmem_error *err)
{
	ssize_t n;
	int fd;

	buf[0] = '\0';
	fd = sys_open(path, O_RDONLY);
	if (fd < 0)
		return error_system(err, fd, "open", path, NULL);
	n = sys_read(fd, buf, size - 1);
	sys_close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n < 0 ? error_system(err, (int)n, "read", path, NULL) : 0;
}

int file_read_line(const char *path, char *line, size_t size, struct devmem_error *err)
{
	int ret = file_read(path, line, size, err);

	line[strcspn(line, "\n")] = '\0';
	return ret;
}

int file_read_number(const char *path, uint64_t *number)
{
	char line[32];
	int ret;

	ret = file_read_line(path, line, sizeof(line), NULL);
	if (ret)
		return ret;
	return number_parse(line, strlen(line), UINT64_MAX, number) ? 0 : -EINVAL;
}
