import Glibc
import HTTPMessage
import Platform

/// An open regular file with what its responses say of it. Event thread only; closed with its last user, the cache or a
/// response under way.
final class OpenFile {
    let identity: FileIdentity
    let version: ContentVersion
    let entityTag: EntityTag
    let lastModifiedSeconds: Int64
    /// The header fields that every response with this file has, ready to be copied: Content-Type, Last-Modified, ETag
    /// and Accept-Ranges.
    let fields: UnsafeRawBufferPointer
    /// The loop's turn in which the file was last seen to be the one its path names.
    private(set) var checkedTurn: UInt64 = 0
    /// How often the kernel had been told of changes by then.
    private(set) var checkedChanges: UInt64 = 0
    /// What it is sent from, where it is mapped.
    private(set) var mapping: MappedFile?
    private var mayBeMapped = true
    /// Whether it had changed just before it was opened.
    let isRecent: Bool
    /// Whether it is read with direct I/O, past the kernel's pages.
    private(set) var usesDirectIO = false
    /// What it is sent from, where it is held in memory.
    private(set) var snapshot: FileSnapshot?
    /// The cache's place for it.
    var cacheEntry: OpenFileCache.Entry?
    /// The descriptor's number.
    let rawDescriptor: CInt
    /// nil where closing it takes no time.
    private let closer: DescriptorCloser?
    private let storage: UnsafeMutableRawBufferPointer

    /// Bytes.
    var size: Int64 { version.size }

    private static let fieldsBytesMax = 320

    /// Whether to try to map it: what could not be is not tried again.
    var isToBeMapped: Bool { mayBeMapped && (1...Limits.mappedFileBytesMax).contains(size) }

    /// - Parameter mapping: nil when it is not to be.
    func noteMapping(_ mapping: MappedFile?) {
        self.mapping = mapping
        mayBeMapped = false
    }

    /// The file has been seen to be the one its path names.
    func noteChecked(turn: UInt64, changesTold: UInt64) {
        checkedTurn = turn
        checkedChanges = changesTold
    }

    func noteDirectIO() { usesDirectIO = true }

    func note(_ snapshot: FileSnapshot) { self.snapshot = snapshot }

    /// - Parameters:
    ///   - path: for the media type, by its extension.
    ///   - closer: closes it, where that may wait.
    init(
        _ descriptor: consuming OwnedDescriptor, status: stat, path: UnsafeRawBufferPointer,
        closer: DescriptorCloser? = nil
    ) {
        rawDescriptor = descriptor.release()
        self.closer = closer
        identity = FileIdentity(status)
        version = ContentVersion(status)
        isRecent = version.isRecent
        // Of the change time, which no program can set back: two contents of one size and mtime have two tags.
        entityTag = EntityTag(
            size: UInt64(max(version.size, 0)), modificationTimeNanoseconds: version.changedNanoseconds)
        // RFC 9110 section 8.8.2.1: never later than the response.
        lastModifiedSeconds = min(Int64(status.st_mtim.tv_sec), Clock.unixSeconds)

        storage = .allocate(byteCount: Self.fieldsBytesMax, alignment: 8)
        var writer = ResponseHeadWriter(storage)
        writer.field("Content-Type", MediaType.named(byPath: path.bytes))
        writer.field("Last-Modified", dateSeconds: lastModifiedSeconds)
        writer.entityTag(entityTag)
        writer.field("Accept-Ranges", "bytes")
        precondition(!writer.overflowed)
        fields = UnsafeRawBufferPointer(rebasing: storage[..<writer.count])
    }

    deinit {
        if let closer { closer.close(rawDescriptor) } else { OwnedDescriptor(adopting: rawDescriptor).close() }
        storage.deallocate()
    }
}
