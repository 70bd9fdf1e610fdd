/*
 * coverage.c
 *	  A library to be preloaded into servers whose extension counts what it
 *	  reaches: test/coverage. gcov writes counters at exit(), but PostgreSQL
 *	  ends by _exit() at an immediate shutdown and after another process's
 *	  crash, and a test has some processes kill themselves. These write first.
 *
 *	  gcov adds a file's counters to those in memory and writes the sums. If a
 *	  signal's handler ends the process by _exit() meanwhile, another such pass
 *	  would count twice all that is in the files already. A few dozen of those
 *	  are enough for an overflow, and gcov shows negative counts as lines that
 *	  were never reached. So there is one pass, and no signal interrupts it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile sig_atomic_t writing = 0;

/* Writes the counters, if the extension is loaded, and if no pass has begun. */
static void
write_counters(void)
{
	void (*dump)(void) = dlsym(RTLD_DEFAULT, "__gcov_dump");
	sigset_t all;
	sigset_t before;

	if (dump == NULL)
		return;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if (!writing)
	{
		writing = 1;
		dump();
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Stands before libc's; gcov itself has nothing left to write. */
void
exit(int status)
{
	void (*libc_exit)(int) = dlsym(RTLD_NEXT, "exit");

	write_counters();
	libc_exit(status);
	__builtin_unreachable();
}

/* Stands before libc's. */
void
_exit(int status)
{
	write_counters();
	syscall(SYS_exit_group, status);
	__builtin_unreachable();
}

/* Stands before libc's. */
int
kill(pid_t pid, int number)
{
	if (number == SIGKILL && pid == getpid())
		write_counters();
	return (int) syscall(SYS_kill, pid, number);
}

/*
 * Stands before libc's. One write() for a whole file of counters: a process that is
 * killed between two would leave a file that gcov adds nothing to any more.
 */
FILE *
fdopen(int fd, const char *mode)
{
	static char buffer[1 << 18];
	FILE *(*libc_fdopen)(int, const char *) = dlsym(RTLD_NEXT, "fdopen");
	FILE *file = libc_fdopen(fd, mode);

	if (file != NULL && writing)
		setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	return file;
}
