import CKernel
import Glibc
package import Platform

/// A folder whose files the kernel asks about before it opens them (`fanotify(7)`, FAN_OPEN_PERM), and refuses with EPERM when told to. Needs
/// root.
package final class RefusingFolder: Sendable {
    package let folder: PrivateFolder
    private let group: SharedDescriptor
    private let isEnding = SharedFlag()
    private let asked = SharedCount()
    private let thread: NamedThread

    /// How many opens have been asked about.
    package var opens: Int { asked.value }

    /// - Parameter refuses: whether to refuse an open, the first of which has number 1; on a thread of its own, while who opens waits.
    package init(_ refuses: @escaping @Sendable (_ number: Int) -> Bool) throws {
        folder = try PrivateFolder()
        let flags = UInt32(FAN_CLASS_CONTENT) | UInt32(FAN_CLOEXEC) | UInt32(FAN_NONBLOCK)
        let made = try Errno.check(kernel_fanotify_init(flags, UInt32(O_RDONLY | O_CLOEXEC)))
        let group = SharedDescriptor(OwnedDescriptor(adopting: CInt(made)))
        self.group = group
        let mask = UInt64(FAN_OPEN_PERM) | UInt64(FAN_EVENT_ON_CHILD)
        let marked = try Files.open(folder.path, flags: O_RDONLY | O_DIRECTORY)
        _ = try Errno.check(kernel_fanotify_mark(group.rawValue, UInt32(FAN_MARK_ADD), mask, marked.rawValue))
        let (isEnding, asked) = (isEnding, asked)
        thread = try NamedThread("refusing") {
            while !isEnding.isSet { Self.answer(group.rawValue, asked, refuses) }
        }
    }

    deinit {
        isEnding.set()
        thread.join()
    }

    private static func answer(_ group: CInt, _ asked: SharedCount, _ refuses: (Int) -> Bool) {
        var wait = pollfd(fd: group, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, 20) == 1 else { return }
        var event = fanotify_event_metadata()
        // One at a time, since there is room for no more.
        let byteCount = MemoryLayout.size(ofValue: event)
        guard read(group, &event, byteCount) == byteCount else { return }
        asked.add()
        let response = UInt32(refuses(asked.value) ? FAN_DENY : FAN_ALLOW)
        var answer = fanotify_response(fd: event.fd, response: response)
        _ = write(group, &answer, MemoryLayout.size(ofValue: answer))
        close(event.fd)
    }
}
