import Glibc

/// Files whose pages stay in the page cache, whatever the kernel would rather reclaim: mapped, and locked by mlock(2).
@safe final class PinnedFiles {
    private let folder: String
    private var mappings: [(start: UnsafeMutableRawPointer, byteCount: Int)] = unsafe []

    init(_ folder: String) { self.folder = folder }

    deinit { unpin() }

    /// Locks files of the folder until `unpin`. Empty ones have no pages.
    ///
    /// - Parameter paths: relative to the folder.
    func pin(_ paths: [String]) throws {
        for path in paths { try pin("\(folder)/\(path)") }
    }

    /// Lets go of all files.
    func unpin() {
        while let mapping = unsafe mappings.popLast() { unsafe munmap(mapping.start, mapping.byteCount) }
    }

    private func pin(_ path: String) throws {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure(path) }
        let byteCount = Int(status.st_size)
        if byteCount == 0 { return }
        let start = unsafe mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0)
        guard let start = unsafe start, unsafe start != MAP_FAILED else { throw failure(path) }
        unsafe mappings.append((start, byteCount))
        guard unsafe mlock(start, byteCount) == 0 else { throw failure(path) }
    }

    private func failure(_ path: String) -> BenchFailure {
        BenchFailure(.runFailed, "\(path) cannot be kept in memory: \(errorText(errno))")
    }
}
