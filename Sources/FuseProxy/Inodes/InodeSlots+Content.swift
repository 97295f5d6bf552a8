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
        guard let index = try? index(of: inode) else { return false }
        let former = slots[Int(index)].seenContent.size
        guard former > end else {
            return !sizeDoubts.isEmpty
                && sizeDoubts.mayBelieveLonger(index, than: end)
        }
        if !slots[Int(index)].awaitsTelling {
            slots[Int(index)].seenContent.size = end
            sizeDoubts.noteEnd(index, former: former)
        }
        return true
    }

    mutating func noteInvalidation(_ inode: InodeNumber) {
        guard let index = try? index(of: inode) else { return }
        sizeDoubts.noteInvalidation(index, at: Clock.monotonicNanoseconds)
    }

    mutating func noteTold(_ inode: InodeNumber) {
        noteInvalidation(inode)
        if let index = try? index(of: inode) { slots[Int(index)].awaitsTelling = false }
    }

    mutating func noteSeen(_ version: ContentVersion, of inode: InodeNumber, isTold: Bool) -> Bool {
        guard let index = try? index(of: inode) else { return false }
        let former = slots[Int(index)].seenContent
        slots[Int(index)].seenContent = version
        slots[Int(index)].awaitsTelling = isTold
        if former.size > version.size || !sizeDoubts.isEmpty {
            sizeDoubts.noteSeen(index, size: version.size, former: former.size, at: Clock.monotonicNanoseconds)
        }
        return former.size >= 0 && (former != version || version.isRecent)
    }
}
