import FoundationEssentials
import Glibc

/// Where the trees are made: in memory where there is room for them, for then what is measured is the mount, and not how
/// soon a disk finds a million small files; else where temporary files are.
enum ScaleFolder {
    private static let inMemory = "/dev/shm"
    /// A page, an inode and a name.
    static let bytesPerFile = 6 << 10

    static func choice(files: Int) -> String {
        hasRoom(inMemory, files: files, memoryBytes: availableMemoryBytes()) ? inMemory : TemporaryDirectory.parent
    }

    /// Whether so many files take no more than half of what is left, of the folder's size and of memory.
    static func hasRoom(_ folder: String, files: Int, memoryBytes: Int) -> Bool {
        var facts = statvfs()
        guard unsafe statvfs(folder, &facts) == 0, unsafe access(folder, W_OK) == 0 else { return false }
        let needed = files * bytesPerFile
        let free = Int(facts.f_bavail) * Int(facts.f_frsize)
        return needed <= free / 2 && needed <= memoryBytes / 2 && files <= Int(facts.f_favail) / 2
    }

    private static func availableMemoryBytes() -> Int {
        ProcessFacts.kilobytes("MemAvailable", in: text(ofFile: "/proc/meminfo")) * 1024
    }
}
