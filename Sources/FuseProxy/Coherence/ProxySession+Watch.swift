package import Platform

extension ProxySession {
    /// Why it is not fanotify that tells of changes, where inotify does, which sees less; nil otherwise.
    package var fanotifyFailure: Errno? { operations.rules.watch?.fanotifyFailure }
}
