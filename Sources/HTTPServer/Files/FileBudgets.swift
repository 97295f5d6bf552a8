/// The budgets that all event loops share.
struct FileBudgets: Sendable {
    /// Files that are mapped.
    let mappings = CountBudget(Limits.mappingsMax)
    /// Files that are held in memory.
    let snapshots = CountBudget(Limits.snapshotsMax)
}
