import Glibc

/// What an ordinary user needs fusermount3(1) for.
package enum UnprivilegedMount {
    /// Takes a mount of this user's out of the tree (`fusermount3 -u -z`), and waits for that.
    package static func unmount(_ mountPoint: String) {
        var process = pid_t()
        let arguments = ["fusermount3", "-u", "-q", "-z", "--", mountPoint]
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        guard posix_spawnp(&process, "fusermount3", nil, nil, &pointers, environ) == 0 else { return }
        var status: CInt = 0
        while waitpid(process, &status, 0) == -1, errno == EINTR {}
    }
}
