import Platform

/// What the kernel keeps of a file's content, and what it has been told of it.
extension InodeSlots {
    mutating func noteContent(_ version: ContentVersion, of inode: InodeNumber) -> Bool {
        guard let index = try? index(of: inode) else { return false }
        let isSame = slots[Int(index)].keptContent == version
        slots[Int(index)].keptContent = version
        return isSame && !version.isRecent
    }

    mutating func isEarly(end: Int64, of inode: InodeNumber) -> Bool {
        guard let index = try? index(of: inode), slots[Int(index)].seenContent.size > end else { return false }
        if !slots[Int(index)].awaitsTelling { slots[Int(index)].seenContent.size = end }
        return true
    }

    mutating func noteTold(_ inode: InodeNumber) {
        if let index = try? index(of: inode) { slots[Int(index)].awaitsTelling = false }
    }

    mutating func noteSeen(_ version: ContentVersion, of inode: InodeNumber, isTold: Bool) -> Bool {
        guard let index = try? index(of: inode) else { return false }
        let former = slots[Int(index)].seenContent
        slots[Int(index)].seenContent = version
        slots[Int(index)].awaitsTelling = isTold
        return former.size >= 0 && (former != version || version.isRecent)
    }
}
