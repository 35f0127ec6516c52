// How the heap is set up, as far as that must happen before anything is allocated.
#pragma once

namespace holdfast::daemon {

/// glibc keeps 7 freed blocks of each small size at hand for a thread. A batch of requests has many more
/// under way, and what does not fit takes the long way: an eighth of a put's CPU. The number can be said only
/// in the environment of a process that begins (GLIBC_TUNABLES, glibc manual §39), so this starts the program
/// once more in the same process. Does nothing when that variable is set already, or when it would not be
/// listened to; where it fails the program goes on as it is. Main thread, before any other and before
/// anything is open.
void keep_small_blocks_at_hand(char** argv);

} // namespace holdfast::daemon
