// SPDX-License-Identifier: Apache-2.0
// Runs in the guest: sets the clock and renews the random numbers when the machine says that the
// guest goes on from a snapshot. docs/guest-helper.md has the lines that the two exchange.
//
//   kindling-helper [PORT]    a device file; else the port is found by its name
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { kMostSeed = 64, kMostLine = 256, kRetryMilliseconds = 1000 };

static const char kName[] = "org.kindling.helper\n";
static const char kPorts[] = "/sys/class/virtio-ports";

// Whether the file holds just `text`.
static int file_is(const char* path, const char* text) {
  char found[64] = "";
  FILE* file = fopen(path, "r");
  if (file == NULL)
    return 0;
  const int is = fgets(found, sizeof found, file) != NULL && strcmp(found, text) == 0;
  fclose(file);
  return is;
}

// The port's device file, or "" when there is none.
static void find_port(char* path, size_t size) {
  path[0] = 0;
  DIR* ports = opendir(kPorts);
  if (ports == NULL)
    return;
  for (struct dirent* entry; (entry = readdir(ports)) != NULL;) {
    char name[300];
    snprintf(name, sizeof name, "%s/%.200s/name", kPorts, entry->d_name);
    if (file_is(name, kName))
      snprintf(path, size, "/dev/%.200s", entry->d_name);
  }
  closedir(ports);
}

static void say(int port, const char* text) {
  if (write(port, text, strlen(text)) < 0)
    perror("kindling-helper: the port");
}

static void fail(int port, const char* what) {
  char text[kMostLine];
  snprintf(text, sizeof text, "failed %s: %s\n", what, strerror(errno));
  say(port, text);
}

// As many bytes as `hex` has two digits for.
static size_t bytes_of(const char* hex, unsigned char* bytes, size_t most) {
  size_t count = 0;
  for (unsigned byte; count < most && sscanf(hex + 2 * count, "%2x", &byte) == 1; ++count)
    bytes[count] = (unsigned char)byte;
  return count;
}

// Mixes the seed into the kernel's random numbers, and has them start anew from it.
static int renew_random_numbers(const char* hex) {
  struct {
    struct rand_pool_info info;
    unsigned char bytes[kMostSeed];
  } seed = {.info = {0}};
  const size_t count = bytes_of(hex, (unsigned char*)seed.info.buf, kMostSeed);
  seed.info.buf_size = (int)count;
  seed.info.entropy_count = (int)(8 * count);
  const int file = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
  if (file < 0)
    return -1;
  int result = 0;
  if (count != 0)
    result = ioctl(file, RNDADDENTROPY, &seed);
  if (result == 0)
    result = ioctl(file, RNDRESEEDCRNG);
  const int error = errno;
  close(file);
  errno = error;
  return result;
}

static void obey(int port, const char* line) {
  long long seconds = 0;
  long nanoseconds = 0;
  char seed[2 * kMostSeed + 1] = "";
  if (sscanf(line, "restored %lld.%9ld %128[0-9a-f]", &seconds, &nanoseconds, seed) < 2)
    return; // meant for another version
  const struct timespec now = {.tv_sec = seconds, .tv_nsec = nanoseconds};
  if (clock_settime(CLOCK_REALTIME, &now) != 0)
    fail(port, "the clock");
  else if (renew_random_numbers(seed) != 0)
    fail(port, "random numbers");
  else
    say(port, "done\n");
}

int main(int count, char** arguments) {
  char path[300];
  if (count > 1)
    snprintf(path, sizeof path, "%s", arguments[1]);
  else
    find_port(path, sizeof path);
  if (path[0] == 0)
    return 0; // another machine
  const int port = open(path, O_RDWR | O_CLOEXEC);
  if (port < 0) {
    perror(path);
    return 1;
  }
  say(port, "ready 1\n");
  char line[kMostLine];
  size_t length = 0;
  for (;;) {
    char byte;
    const ssize_t got = read(port, &byte, 1);
    if (got <= 0) {
      poll(NULL, 0, kRetryMilliseconds); // nobody is at the other end
      continue;
    }
    if (byte != '\n') {
      if (length < sizeof line - 1)
        line[length++] = byte;
      continue;
    }
    line[length] = 0;
    length = 0;
    obey(port, line);
  }
}
