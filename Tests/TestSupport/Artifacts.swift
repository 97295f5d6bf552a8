import Glibc
package import Platform

/// Files that tests leave for whoever wants to look: in the folder that SERVERFS_ARTIFACTS names, else in `artifacts` at the top
/// of the checkout that they were built from, which git ignores.
package enum Artifacts {
    private static let folder: String = {
        if let named = getenv("SERVERFS_ARTIFACTS") { return String(cString: named) }
        return "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/artifacts"
    }()

    /// Makes or replaces a file.
    package static func keep(_ name: String, _ bytes: [UInt8]) throws(Errno) {
        mkdir(folder, 0o755)
        try writeFile(Array("\(folder)/\(name)".utf8), bytes)
    }
}
