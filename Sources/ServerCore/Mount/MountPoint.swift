import Glibc
package import FuseProxy
import Platform

/// The folder the proxy is mounted on: the operator's, or one of our own that goes with the mount.
package struct MountPoint: Sendable {
    /// Absolute and canonical.
    package let path: String
    /// Whether it was made for this run and is removed at its end.
    package let isPrivate: Bool

    /// A new folder that only this user may enter: in `TMPDIR` or /tmp, or where the docroot holds that one, in another
    /// folder for passing things. It is made (`make`) once the watchdog knows of it, which otherwise could not remove it.
    package static func privateFolder(docroot: Docroot) throws(StartFailure) -> MountPoint {
        let given = getenv("TMPDIR").map { String(cString: $0) } ?? ""
        let wished = given.isEmpty ? "/tmp" : given
        let candidates = [wished, "/run", "/dev/shm", "/var/tmp"]
        guard let parent = candidates.first(where: { !isInside($0, docroot) }) else {
            throw StartFailure(
                "docroot \(docroot.path) contains every folder that the mount could be made in "
                    + "(\(candidates.joined(separator: ", "))): give --mount-point a folder outside it, or use --bypass"
            )
        }
        do throws(Errno) {
            let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
            let name = "serverfs-" + String((0..<10).map { _ in letters.randomElement()! })
            return MountPoint(path: try Files.canonicalPath(parent) + "/" + name, isPrivate: true)
        } catch {
            throw StartFailure("cannot make a folder for the mount in \(parent): \(error)")
        }
    }

    /// Makes the folder, if it is ours to make and not there already.
    func make() throws(StartFailure) {
        guard isPrivate, mkdir(path, 0o700) != 0 else { return }
        let error = Errno(rawValue: errno)
        var status = stat()
        if error == .fileExists, lstat(path, &status) == 0, status.st_mode == S_IFDIR | 0o700,
            status.st_uid == geteuid()
        {
            return
        }
        throw StartFailure("cannot make the folder \(path) for the mount: \(error)")
    }

    /// Takes the operator's folder, if the proxy can be mounted there.
    ///
    /// - Throws: when it is missing, not a folder, not empty, a serverfs mount already, or inside or around the docroot.
    package static func use(_ given: String, docroot: Docroot) throws(StartFailure) -> MountPoint {
        let path: String
        do throws(Errno) {
            path = try Files.canonicalPath(given)
        } catch .socketNotConnected {
            throw serverIsGone(given)
        } catch {
            throw StartFailure("mount point \(given): \(error)")
        }
        if let entry = try? MountTable.entry(at: path), entry.isFuse {
            do throws(Errno) {
                _ = try Files.status(AT_FDCWD, path)
            } catch .socketNotConnected {
                throw serverIsGone(path)
            } catch {
                throw StartFailure("mount point \(path): \(error)")
            }
            if entry.fileSystemType == "fuse.serverfs" {
                throw StartFailure("mount point \(path) is already a serverfs mount")
            }
        }
        try check(path, against: docroot)
        let isEmpty: Bool
        do throws(Errno) {
            isEmpty = try isEmptyFolder(path)
        } catch {
            throw StartFailure("mount point \(path): \(error)")
        }
        guard isEmpty else { throw StartFailure("mount point \(path) is not empty") }
        return MountPoint(path: path, isPrivate: false)
    }

    /// The same folder for another mount: an operator's is found fit again.
    func renewed(docroot: Docroot) throws(StartFailure) -> MountPoint {
        isPrivate ? self : try Self.use(path, docroot: docroot)
    }

    private static func serverIsGone(_ path: String) -> StartFailure {
        StartFailure("mount point \(path) is a mount whose server is gone: unmount it first (umount \(path))")
    }

    /// Removes the folder if it is ours.
    ///
    /// - Parameter presentPath: where it is now, should a folder above it have been renamed.
    package func remove(at presentPath: String? = nil) {
        if isPrivate { rmdir(presentPath ?? path) }
    }

    /// A mount inside the docroot would be content of its own, and one around it would hide it: both are refused. Folders
    /// are compared by identity, so that a bind mount or a symbolic link does not hide how they lie.
    private static func check(_ path: String, against docroot: Docroot) throws(StartFailure) {
        guard let identity = identity(path) else { return }
        if identity == docroot.identity {
            throw StartFailure("mount point \(path) is the docroot itself: give it a folder of its own")
        }
        if isInside(path, docroot) {
            throw StartFailure(
                "mount point \(path) is inside the docroot \(docroot.path), which would then contain itself: "
                    + "give it a folder outside")
        }
        if ancestors(of: docroot.path).contains(where: { Self.identity($0) == identity }) {
            throw StartFailure(
                "docroot \(docroot.path) is inside the mount point \(path), which would hide it: "
                    + "give the mount a folder of its own")
        }
    }

    /// Whether `path` is the docroot or lies below it.
    private static func isInside(_ path: String, _ docroot: Docroot) -> Bool {
        guard let path = try? Files.canonicalPath(path) else { return false }
        return ([path] + ancestors(of: path)).contains { identity($0) == docroot.identity }
    }

    private static func identity(_ path: String) -> FileIdentity? {
        (try? Files.status(AT_FDCWD, path)).map { FileIdentity($0) }
    }

    /// The folders above an absolute path, nearest first.
    private static func ancestors(of path: String) -> [String] {
        var ancestors: [String] = []
        var rest = path[...]
        while let slash = rest.lastIndex(of: "/"), rest.count > 1 {
            rest = rest[..<slash]
            ancestors.append(rest.isEmpty ? "/" : String(rest))
        }
        return ancestors
    }

    private static func isEmptyFolder(_ path: String) throws(Errno) -> Bool {
        let folder = try Files.open(path, flags: O_RDONLY | O_DIRECTORY)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        defer { buffer.deallocate() }
        let count = try Files.readDirectory(folder.rawValue, into: buffer)
        // `.` and `..` alone take two records of 24 bytes.
        return count <= 48
    }
}
