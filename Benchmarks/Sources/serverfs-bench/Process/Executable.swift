import FoundationEssentials

/// Where a program is: on the PATH, or where Debian keeps what only root's PATH has.
enum Executable {
    static func path(of name: String) -> String? {
        let searchPath = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let directories = searchPath.split(separator: ":").map(String.init) + ["/usr/sbin", "/usr/bin"]
        return directories.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// The path of a program that `make bench` installs.
    static func required(_ name: String, package: String) throws -> String {
        guard let path = path(of: name) else {
            throw BenchFailure(
                .unavailable,
                "\(name) is missing: run `make bench`, which installs it, or install Debian's package \(package)")
        }
        return path
    }
}
