import Glibc

/// mkdir(2), private.
func makeFolder(_ path: String) throws {
    guard unsafe mkdir(path, 0o700) == 0 else {
        throw BenchFailure(.runFailed, "the folder \(path) cannot be made: \(errorText(errno))")
    }
}

/// Removes a folder and all in it, but nothing of another file system: a mount that could not be taken away is not
/// entered. Not to be interrupted.
func removeTree(_ path: String) {
    var root = stat()
    guard unsafe lstat(path, &root) == 0 else { return }
    if let code = removeTree(path, device: root.st_dev) { note("\(path) cannot be removed: \(errorText(code))") }
}

/// Gives the first error number.
private func removeTree(_ path: String, device: dev_t) -> Int32? {
    var failure: Int32?
    var figures = VisitFigures()
    for name in FolderVisit.names(path, &figures) {
        let child = "\(path)/\(name)"
        if unsafe unlink(child) == 0 { continue }
        let code = errno
        var status = stat()
        guard unsafe lstat(child, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            failure = failure ?? code
            continue
        }
        let below = status.st_dev == device ? removeTree(child, device: device) : EBUSY
        failure = failure ?? below
    }
    return unsafe rmdir(path) == 0 ? nil : failure ?? errno
}
