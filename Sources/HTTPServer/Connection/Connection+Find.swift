import HTTPMessage
import Platform
import Telemetry

extension Connection {
    private static let indexName: StaticString = "index.html"

    /// What a request's file was looked for in, and what came of it.
    struct Finding {
        let tree: FileTree
        let file: FoundFile
    }

    /// Finds the file of a request.
    ///
    /// - Returns: nil when the answer is for later: the thread was overtaken and brings it back, or another connection's
    ///   thread is stuck with the same file already.
    func find(_ path: RequestPath, on thread: LoopThread) -> Finding? {
        let tree = tree
        let found = broughtBack
        broughtBack = nil
        // What was found in a mount that is gone meanwhile could not be read.
        if case .found(let finding) = found, finding.tree === tree { return finding }
        guard let tree else { return Finding(tree: loop.docrootTree, file: .unavailable) }
        let name = nameOfFile(path, in: thread.pathBuffer)
        requestedFile = RequestedFile(servingPath: tree.servingPath, hash: OpenFileCache.hash(name))
        isLookingForFile = true
        if !loop.stuck.isEmpty {
            if loop.stuck.wait(self, for: requestedFile) {
                wait()
                return nil
            }
            if loop.stuck.isFull { return Finding(tree: tree, file: .unavailable) }
        }
        let finding = find(name, path, in: tree, on: thread)
        if thread.isOvertaken {
            broughtBack = finding.map { .found($0) } ?? .lookAgain
            return nil
        }
        return finding
    }

    private func find(
        _ name: UnsafeRawBufferPointer, _ path: RequestPath, in tree: FileTree, on thread: LoopThread
    ) -> Finding? {
        let folderLength = path.isDirectory ? path.byteCount : nil
        let (hash, turn, tick) = (requestedFile.hash, loop.turn, loop.tick)
        let found = tree.find(name, folderLength: folderLength, hash: hash, turn: turn, tick: tick, on: thread)
        guard tree.servingPath == .mount, case .failure(let error) = found, error.meansLostMount else {
            return Finding(tree: tree, file: found)
        }
        // The mount is gone. Nothing is sent yet: the docroot can still answer, on whichever thread has the loop.
        if thread.isOvertaken { return nil }
        loop.mountIsLost()
        let docroot = loop.docrootTree
        guard loop.configuration.onMountLoss == .bypass else { return Finding(tree: docroot, file: .unavailable) }
        return Finding(
            tree: docroot,
            file: docroot.find(name, folderLength: folderLength, hash: hash, turn: turn, tick: tick, on: thread))
    }

    /// Where this request's file is read; nil where that is a mount that is gone, and nothing may take its place.
    private var tree: FileTree? {
        if listener.alwaysBypasses || loop.bypassSwitch.isOn { return loop.docrootTree }
        if let mountTree = loop.mountTree { return mountTree }
        return loop.configuration.onMountLoss == .bypass ? loop.docrootTree : nil
    }

    /// The path of the file that answers: for a folder its index file, whose name is put behind it in the path buffer.
    private func nameOfFile(
        _ path: RequestPath, in buffer: UnsafeMutableRawBufferPointer
    ) -> UnsafeRawBufferPointer {
        var count = path.byteCount
        if path.isDirectory {
            if count > 0 {
                buffer[count] = UInt8(ascii: "/")
                count += 1
            }
            let name = UnsafeRawBufferPointer(
                start: Self.indexName.utf8Start, count: Self.indexName.utf8CodeUnitCount + 1)
            UnsafeMutableRawBufferPointer(rebasing: buffer[count...]).copyMemory(from: name)
            count += Self.indexName.utf8CodeUnitCount
        }
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }
}

extension Errno {
    /// Whether this is what calls on a mount give whose connection has ended.
    fileprivate var meansLostMount: Bool { self == .socketNotConnected || self == .connectionAbort }
}
