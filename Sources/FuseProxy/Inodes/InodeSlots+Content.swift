import Platform

/// What the kernel keeps of a file's content, and what it has been told of it.
extension InodeSlots {
    mutating func noteContent(_ version: ContentVersion, of inode: InodeNumber) -> Bool {
        guard let index = try? index(of: inode) else { return false }
        let isSame = slots[Int(index)].keptContent == version
        slots[Int(index)].keptContent = version
        return isSame && !version.isRecent
    }

    /// The interface is that of `InodeTable`, here as below.
    mutating func judge(_ question: ReadQuestion, end: Int64, of inode: InodeNumber) -> ReadEnd {
        guard let index = try? index(of: inode) else { return .expected }
        slots[Int(index)].hasMetEnd = true
        grownFiles.noteEnd(index, end: end)
        let former = slots[Int(index)].seenContent.size
        if former > end {
            let now = Clock.monotonicNanoseconds
            let mayArrive = question.mayBeOvertaken(byAnswerOf: slots[Int(index)].seenNanoseconds)
            switch slots[Int(index)].telling {
            case .awaited where mayArrive: return .refused
            case .underWay where mayArrive && !sizeDoubts.isOvertaken(index, question.range):
                return .beingTold(sizeDoubts.tellings)
            case .awaited, .underWay, .done, .never: break
            }
            // What the kernel may go by is in doubt from now on, and not once more with each READ.
            sizeDoubts.noteEnd(index, former: former, at: now)
            slots[Int(index)].seenContent.size = end
            // Nobody tells: it is asked again once.
            if slots[Int(index)].telling == .never { return .refusedOnce }
        }
        if sizeDoubts.isEmpty { return .expected }
        return sizeDoubts.judge(index, question, end: end, at: Clock.monotonicNanoseconds)
    }

    mutating func noteRefused(_ inode: InodeNumber, _ range: Range<Int64>, duringTelling telling: UInt64) -> Bool {
        guard let index = try? index(of: inode) else { return true }
        guard sizeDoubts.isBeingTold(index), telling == sizeDoubts.tellings else { return false }
        sizeDoubts.noteRefused(index, range, at: Clock.monotonicNanoseconds)
        return true
    }

    func isReaders(_ inode: InodeNumber, _ range: Range<Int64>) -> Bool {
        guard let index = try? index(of: inode) else { return true }
        return sizeDoubts.isReaders(index, range)
    }

    mutating func noteAnswered(_ answer: EarlyAnswer) {
        guard let index = try? index(of: answer.inode) else { return }
        sizeDoubts.noteAnswered(index, answer, at: Clock.monotonicNanoseconds)
    }

    mutating func mayTell(_ inode: InodeNumber, moment: UInt64) -> Bool {
        guard let index = try? index(of: inode) else { return true }
        guard sizeDoubts.mayTell(index, at: Clock.monotonicNanoseconds) else { return false }
        slots[Int(index)].toldMoment = moment
        slots[Int(index)].hasMetEnd = false
        grownFiles.noteTelling(index)
        if slots[Int(index)].telling == .awaited { slots[Int(index)].telling = .underWay }
        return true
    }

    mutating func noteTold(_ inode: InodeNumber) {
        sizeDoubts.noteTold()
        guard let index = try? index(of: inode) else { return }
        grownFiles.noteTold(index)
        guard slots[Int(index)].telling == .underWay else { return }
        slots[Int(index)].telling = .done
    }

    mutating func noteSeen(
        _ version: ContentVersion, of inode: InodeNumber, isTold: Bool, looked: UInt64
    ) -> SeenContent {
        guard let index = try? index(of: inode) else { return SeenContent(answer: version, isChanged: false) }
        let former = slots[Int(index)].seenContent
        let formerLook = SizeDoubts.Look(
            size: former.size, telling: slots[Int(index)].telling, nanoseconds: slots[Int(index)].seenNanoseconds)
        let now = Clock.monotonicNanoseconds
        var answer = version
        if isTold {
            let keptEnd = slots[Int(index)].hasMetEnd ? former.size : -1
            answer.size = grownFiles.answer(index, size: version.size, former: keptEnd)
            if answer.size < version.size {
                // The time of what it was: who has this size asks for what has changed since. And a change time like no other, so that
                // who compares two looks does not take what he has read meanwhile for something of that size.
                answer.modifiedNanoseconds = former.modifiedNanoseconds
                answer.changedNanoseconds = Clock.unixNanoseconds
            }
        } else {
            grownFiles.forget(index)
        }
        slots[Int(index)].seenContent = answer
        slots[Int(index)].seenNanoseconds = now
        if !isTold {
            slots[Int(index)].telling = .never
        } else if looked >= slots[Int(index)].toldMoment {
            slots[Int(index)].telling = .awaited
        } else {
            // The answer is overtaken; and what changes the file from now on is told of by itself.
            slots[Int(index)].telling = sizeDoubts.isBeingTold(index) ? .underWay : .done
        }
        if former.size > answer.size || !sizeDoubts.isEmpty {
            sizeDoubts.noteSeen(index, size: answer.size, former: formerLook, at: now)
        }
        return SeenContent(
            answer: answer, isChanged: former.size >= 0 && (former != version || version.isRecent))
    }
}

/// What a look at a file has come to.
struct SeenContent {
    /// The version that the kernel may be answered: of a file that has grown, its former end and times, until it is told.
    var answer: ContentVersion
    /// Whether it may be another than the one found before.
    var isChanged: Bool
}
