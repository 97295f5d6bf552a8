import HTTPMessage
import Platform

extension HTTPStatus {
    /// What a client is told of a file system's error: the one table.
    init(errno error: Errno) {
        self =
            switch error {
            case .noSuchFileOrDirectory, .notDirectory: .notFound
            // EXDEV: a symbolic link that leaves the docroot. ELOOP: links that go round, or a tree that holds itself.
            // EISDIR: an index file that is a folder. ENXIO: a socket, or a device that is not there.
            case .permissionDenied, .notPermitted, .improperLink, .tooManySymbolicLinkLevels, .isDirectory,
                .noSuchAddressOrDevice:
                .forbidden
            case .fileNameTooLong: .uriTooLong
            // ESTALE: what it names was being replaced each time it was looked at.
            case .staleNFSFileHandle, .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory,
                .resourceTemporarilyUnavailable:
                .serviceUnavailable
            // The mount is gone, or its daemon could not read.
            case .ioError, .socketNotConnected, .connectionAbort: .badGateway
            default: .internalServerError
            }
    }
}
