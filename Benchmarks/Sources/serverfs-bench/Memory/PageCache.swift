import CKernelCalls
import Glibc

/// How much of a file is in memory.
enum PageCache {
    /// The bytes of a file's own page cache, as cachestat(2) counts them. Unlike mincore(2) it looks at the very file that
    /// was opened: a mapping of a file that the kernel passes through is one of the file behind it.
    static func cachedBytes(_ path: String) throws -> Int {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw BenchFailure(.runFailed, "\(path) cannot be opened: \(errorText(errno))")
        }
        defer { close(descriptor) }
        let pages = bench_cached_pages(descriptor)
        guard pages >= 0 else {
            throw BenchFailure(.unavailable, "cachestat(2), of Linux 6.5, on \(path): \(errorText(Int32(-pages)))")
        }
        return Int(pages) * sysconf(Int32(_SC_PAGESIZE))
    }

    /// Takes a file's pages out of memory. They must be on the disk already.
    static func evict(_ path: String) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    }

    /// Pages of files that were fetched again after the kernel had given them up, since the machine was started.
    static var refaultedPages: Int {
        let name = "workingset_refault_file "
        let line = text(ofFile: "/proc/vmstat").split(separator: "\n").first { $0.hasPrefix(name) }
        return line.flatMap { Int($0.dropFirst(name.utf8.count)) } ?? 0
    }

    /// The page cache of all files of the machine together.
    static func allCachedBytes() -> Int {
        ProcessFacts.kilobytes("Cached", in: text(ofFile: "/proc/meminfo")) * 1024
    }
}
