import Platform

extension ThreadWork {
    /// The sum over the threads whose names are `prefix` and a number.
    init(_ usages: [ThreadUsage], named prefix: String) {
        self.init()
        for usage in usages where usage.name.hasPrefix(prefix) && Int(usage.name.dropFirst(prefix.count)) != nil {
            voluntarySwitches &+= usage.voluntarySwitches
            involuntarySwitches &+= usage.involuntarySwitches
            processorNanoseconds &+= usage.processorNanoseconds
        }
    }
}
