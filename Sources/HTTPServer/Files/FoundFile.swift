import Platform

/// What a request's path has come to.
enum FoundFile {
    /// - isKept: whether an open descriptor answered.
    case file(OpenFile, isKept: Bool)
    /// A folder without an index file.
    case folder
    /// The file system's own error; EXDEV when a symbolic link leads out, EISDIR for a folder whose name has no slash behind
    /// it, EACCES for what is neither a folder nor a file, ELOOP for what lies on the excluded device.
    case failure(Errno)
    /// Nobody looks for it now: the mount is gone, or too many threads are stuck.
    case unavailable
}
