/*
 * process.c
 *	  Runs a program from a backend.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/command.h"
#include "server/clock.h"
#include "server/process.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/wait_event.h"

#define MAX_PRINTED (64 * 1024)
#define POLL_MS 10
#define FIRST_FREE_FD 3
#define LAST_FD 1024

extern char **environ;

/* The process id of the running program; 0: none. */
static pid_t running = 0;
static bool guarded = false;

/* The state of a run, to be cleaned up after an error. */
typedef struct Run
{
	HlCommand command;
	int output;     /* the read end of the pipe; -1: closed */
	int64 deadline; /* by hl_clock_steady_ms() */
	int limit_ms;
	char *reason;
} Run;

/* Ends the running program, and all processes that it has started. */
static void
end_running(void)
{
	int status;

	if (running == 0)
		return;
	kill(-running, SIGKILL);
	kill(running, SIGKILL);
	while (waitpid(running, &status, 0) < 0 && errno == EINTR)
		;
	running = 0;
}

/* A backend that exits runs no PG_FINALLY. */
static void
end_at_exit(int code, Datum unused)
{
	end_running();
}

/*
 * Whether a program may see a variable: paths, locale, proxies and AWS
 * settings, but no secret.
 */
static bool
is_passed_on(const char *entry)
{
	static const char *const exact[] = {
		"PATH",        "HOME",         "USER",         "LOGNAME",
		"TMPDIR",      "LANG",         "TZ",           "HTTP_PROXY",
		"HTTPS_PROXY", "NO_PROXY",     "http_proxy",   "https_proxy",
		"no_proxy",    "SSL_CERT_DIR", "SSL_CERT_FILE"};
	static const char *const secret[] = {
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_SECURITY_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"};
	size_t len = strcspn(entry, "=");

	for (size_t i = 0; i < lengthof(exact); i++)
		if (strlen(exact[i]) == len && strncmp(entry, exact[i], len) == 0)
			return true;
	for (size_t i = 0; i < lengthof(secret); i++)
		if (strlen(secret[i]) == len && strncmp(entry, secret[i], len) == 0)
			return false;
	return strncmp(entry, "AWS_", 4) == 0 || strncmp(entry, "LC_", 3) == 0;
}

/* The environment of the program. */
static char **
make_environment(void)
{
	char **variables;
	int count = 0;

	for (char **entry = environ; *entry != NULL; entry++)
		count++;
	variables = palloc(sizeof(char *) * (count + 1));
	count = 0;
	for (char **entry = environ; *entry != NULL; entry++)
		if (is_passed_on(*entry))
			variables[count++] = *entry;
	variables[count] = NULL;
	return variables;
}

/*
 * The file descriptors of the program: a pipe to print into, and nothing else.
 */
static int
set_files(posix_spawn_file_actions_t *files, int output)
{
	int error = posix_spawn_file_actions_addopen(files, STDIN_FILENO,
												 "/dev/null", O_RDONLY, 0);

	if (error == 0)
		error = posix_spawn_file_actions_adddup2(files, output, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_addopen(files, STDERR_FILENO,
												 "/dev/null", O_WRONLY, 0);
#if __GLIBC_PREREQ(2, 34)
	if (error == 0)
		error = posix_spawn_file_actions_addclosefrom_np(files, FIRST_FREE_FD);
#else
	for (int fd = FIRST_FREE_FD; error == 0 && fd < LAST_FD; fd++)
		error = posix_spawn_file_actions_addclose(files, fd);
#endif
	if (error == 0)
		error = posix_spawn_file_actions_addchdir_np(files, "/");
	return error;
}

/* The program has a process group of its own, and default signal handling. */
static int
set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setpgroup(attributes, 0);
	return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF |
													POSIX_SPAWN_SETSIGMASK |
													POSIX_SPAWN_SETPGROUP);
}

/* Starts the program; returns an error number, or 0. */
static int
spawn(Run *run, int output)
{
	char **environment = make_environment();
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	pid_t pid;
	int error;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	error = set_files(&files, output);
	if (error == 0)
		error = set_attributes(&attributes);
	if (error == 0)
		error = posix_spawnp(&pid, run->command.words[0], &files, &attributes,
							 run->command.words, environment);
	if (error == 0)
		running = pid;
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return error;
}

/* Starts the program with a pipe from it. */
static void
start(Run *run)
{
	int ends[2];
	int error;

	if (!guarded)
		on_proc_exit(end_at_exit, (Datum) 0);
	guarded = true;
	if (pipe2(ends, O_CLOEXEC) != 0)
	{
		run->reason = psprintf("could not make a pipe: %m");
		return;
	}
	run->output = ends[0];
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	error = spawn(run, ends[1]);
	close(ends[1]);
	if (error != 0)
		run->reason = psprintf("could not run \"%s\": %s",
							   run->command.words[0], strerror(error));
}

/* Waits for output until the timeout; an interrupt throws. False: timeout. */
static bool
wait_for(Run *run, int events, long at_most_ms)
{
	long left = (long) (run->deadline - hl_clock_steady_ms());

	if (left <= 0)
	{
		run->reason = psprintf("\"%s\" was ended: it took longer than %d ms",
							   run->command.words[0], run->limit_ms);
		return false;
	}
	if (IsUnderPostmaster)
		events |= WL_EXIT_ON_PM_DEATH;
	(void) WaitLatchOrSocket(MyLatch, events | WL_LATCH_SET | WL_TIMEOUT,
							 run->output, Min(left, at_most_ms),
							 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	return true;
}

/* Reads all output of the program. */
static void
read_output(Run *run, HlBytes *printed)
{
	char piece[4096];
	ssize_t len = 1;

	while (run->reason == NULL && len != 0)
	{
		len = read(run->output, piece, sizeof(piece));
		if (len > 0 && printed->len + len > MAX_PRINTED)
			run->reason = psprintf("\"%s\" prints more than 64 kB",
								   run->command.words[0]);
		else if (len > 0)
			hl_bytes_append(printed, piece, len);
		else if (len < 0 && errno != EAGAIN && errno != EINTR)
			run->reason = psprintf("could not read from \"%s\": %m",
								   run->command.words[0]);
		explicit_bzero(piece, sizeof(piece));
		if (len < 0 && run->reason == NULL)
			wait_for(run, WL_SOCKET_READABLE, PG_INT32_MAX);
	}
	if (printed->failed && run->reason == NULL)
		run->reason = "out of memory";
}

/* Waits for the program's end, and checks its exit status. */
static void
await_end(Run *run)
{
	int status = 0;
	pid_t ended = 0;

	while (run->reason == NULL && ended == 0)
	{
		ended = waitpid(running, &status, WNOHANG);
		if (ended == 0)
			wait_for(run, 0, POLL_MS);
	}
	if (ended == 0)
		return;
	/* end the processes it has left in its group */
	kill(-running, SIGKILL);
	running = 0;
	if (ended < 0)
		run->reason =
			psprintf("could not wait for \"%s\": %m", run->command.words[0]);
	else if (WIFSIGNALED(status))
		run->reason = psprintf("\"%s\" was ended by signal %d",
							   run->command.words[0], WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		run->reason = psprintf("\"%s\" ended with status %d",
							   run->command.words[0], WEXITSTATUS(status));
}

static void
clean_up(Run *run)
{
	end_running();
	if (run->output >= 0)
		close(run->output);
	run->output = -1;
	hl_command_free(&run->command);
	ReleaseExternalFD();
}

char *
hl_process_run(const char *line, int limit_ms, HlBytes *printed)
{
	Run run = {.output = -1, .limit_ms = limit_ms};

	printed->secret = true;
	hl_bytes_reset(printed);
	run.deadline = hl_clock_steady_ms() + limit_ms;
	ReserveExternalFD();
	PG_TRY();
	{
		if (!hl_command_split(&run.command, line))
			run.reason = pstrdup(run.command.reason);
		else
			start(&run);
		printed->failed |= run.command.text == NULL;
		if (run.reason == NULL)
			read_output(&run, printed);
		if (run.reason == NULL)
			await_end(&run);
	}
	PG_FINALLY();
	{
		clean_up(&run);
	}
	PG_END_TRY();
	return run.reason;
}
