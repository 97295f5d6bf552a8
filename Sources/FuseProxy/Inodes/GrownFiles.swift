/// Files that were found to have grown, and of whose new size the kernel is not answered at once.
///
/// The page in which a file ended is kept with zeros behind the end. An answer with a larger size uncovers them: the kernel
/// takes the size first and drops the pages then, and whoever reads in between has zeros. So it is told of the change first,
/// which drops the pages, and is answered up to the former end until it has been; or up to where a READ has met the end since.
///
/// Guarded by the inode table's lock.
struct GrownFiles {
    private struct Growth {
        /// Up to where what the kernel keeps is right.
        var end: Int64
        /// The same once the telling that is under way is over; nil when none is.
        var endOnceTold: Int64?
    }

    /// By the inode's index.
    private var growths: [UInt32: Growth] = [:]

    /// Beyond this all are given up: those that were told of are answered as they are, others are found anew.
    static let capacity = 4096

    var count: Int { growths.count }
    var isEmpty: Bool { growths.isEmpty }

    /// A look at a file has found it to be of that size.
    ///
    /// - Parameter former: what it was before; -1 when that is unknown, or the kernel keeps no page with an end.
    /// - Returns: what the kernel may be answered.
    mutating func answer(_ index: UInt32, size: Int64, former: Int64) -> Int64 {
        if let growth = growths[index] {
            if size <= growth.end { growths[index] = nil }
            return min(size, growth.end)
        }
        guard former >= 0, size > former else { return size }
        if growths.count >= Self.capacity { growths = [:] }
        growths[index] = Growth(end: former)
        return former
    }

    /// The kernel is being told that the file has changed, until `noteTold`: what it keeps by then it has read since.
    mutating func noteTelling(_ index: UInt32) {
        if !growths.isEmpty { growths[index]?.endOnceTold = .max }
    }

    mutating func noteTold(_ index: UInt32) {
        guard !growths.isEmpty, let end = growths[index]?.endOnceTold else { return }
        growths[index] = Growth(end: end)
    }

    /// A READ has met the file's end.
    mutating func noteEnd(_ index: UInt32, end: Int64) {
        guard !growths.isEmpty, var growth = growths[index] else { return }
        growth.end = min(growth.end, end)
        growth.endOnceTold = growth.endOnceTold.map { min($0, end) }
        growths[index] = growth
    }

    mutating func forget(_ index: UInt32) { if !growths.isEmpty { growths[index] = nil } }
}
