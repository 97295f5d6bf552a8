/// Something that has happened in the docroot, as a watch tells it.
enum Change: Hashable, Sendable {
    /// A name in a folder the kernel knows now means something else, or what it means has changed.
    case name(InodeNumber, ComponentName)
    /// A folder itself: its attributes.
    case directory(InodeNumber)
    /// A file that is named only by its handle: it has gained or lost a name.
    case file(FileHandle)
    /// Events were lost: anything may have changed.
    case everything
}

extension ComponentName: Hashable {
    static func == (left: ComponentName, right: ComponentName) -> Bool {
        left.withBytes { left in right.withBytes { right in left.elementsEqual(right) } }
    }

    func hash(into hasher: inout Hasher) {
        withBytes { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
