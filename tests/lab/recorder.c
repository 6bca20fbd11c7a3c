/* Stands in for podman under systemd: keeps the arguments it is run with, and says it is ready. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FOLDER "/var/tmp/record/"

static void die(const char *what) {
    perror(what);
    exit(125);
}

/* Quadlet names the unit only to those that run containers, but each has a cgroup of its name. */
static const char *unit_name(void) {
    static char line[4096];
    const char *named = getenv("PODMAN_SYSTEMD_UNIT");
    if (named) return named;
    FILE *file = fopen("/proc/self/cgroup", "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "0::", 3)) {
            line[strcspn(line, "\n")] = 0;
            return strrchr(line, '/') + 1;
        }
    die("/proc/self/cgroup");
    return NULL;
}

static int is_one_of(const char *word, const char *const *words) {
    while (*words && strcmp(word, *words)) words++;
    return *words != NULL;
}

/* The place of the first argument that is a command: what stands before it are global options. */
static int command(int count, char **arguments) {
    static const char *const commands[] = {"run", "pod",  "network", "volume", "build", "image",
                                           "pull", "kube", "rm", "stop", "kill", "exec", NULL};
    for (int at = 1; at < count; at++)
        if (is_one_of(arguments[at], commands)) return at;
    fputs("recorder: no command of podman's\n", stderr);
    exit(125);
}

static void record(const char *unit, int count, char **arguments) {
    char path[4096];
    snprintf(path, sizeof path, FOLDER "%s", unit);
    FILE *file = fopen(path, "w");
    if (!file) die(path);
    for (int at = 1; at < count; at++) fwrite(arguments[at], strlen(arguments[at]) + 1, 1, file);
    if (fclose(file)) die(path);
}

static void say_ready(const char *address) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t length = strlen(address);
    memcpy(to.sun_path, address, length);
    if (*address == '@') to.sun_path[0] = 0;
    int out = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    length += offsetof(struct sockaddr_un, sun_path);
    if (sendto(out, "READY=1", 7, 0, (struct sockaddr *)&to, length) != 7) die(address);
}

/* A pod's unit forks: it is up when the file with the number of its process is there. */
static void leave_pod_behind(const char *unit) {
    char path[4096];
    int stem = strlen(unit) - strlen(".service");
    snprintf(path, sizeof path, "%s/%.*s.pid", getenv("XDG_RUNTIME_DIR"), stem, unit);
    pid_t pod = fork();
    if (pod == 0) pause();
    FILE *file = fopen(path, "w");
    if (!file) die(path);
    fprintf(file, "%d\n", pod);
    fclose(file);
}

int main(int count, char **arguments) {
    static const char *const ends[] = {"rm", "stop", "kill", "exec", "down", NULL};
    const char *unit = unit_name(), *ready = getenv("NOTIFY_SOCKET");
    int at = command(count, arguments);
    const char *second = at + 1 < count ? arguments[at + 1] : "";
    int is_pod = !strcmp(arguments[at], "pod");
    if (is_one_of(arguments[at], ends) || is_one_of(second, ends)) return 0;
    if (is_pod && !strcmp(second, "start")) {
        leave_pod_behind(unit);
        return 0;
    }
    record(unit, count, arguments);
    if (!is_pod && ready) {
        say_ready(ready);
        pause();
    }
    return 0;
}
