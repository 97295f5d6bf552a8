import ArgumentParser

/// Looks at files as a program would that uses a mount. The measuring process never touches a mount itself, for it could
/// hang there with a serverfs that hangs: it starts this, and can end it.
struct VisitCommand: ParsableCommand {
    enum Task: String, ExpressibleByArgument, CaseIterable {
        /// fstatat of every file of a numbered tree, by name.
        case lookups
        /// Walks a numbered tree, and reads and compares all.
        case contents
        /// Lists one folder.
        case listing
        /// The bytes of a file's page cache.
        case residency
    }

    static let configuration = CommandConfiguration(
        commandName: "visit", abstract: "Look at files of a mount, for a measurement.", shouldDisplay: false)

    @Argument var task: Task
    @Argument var path: String
    @Option(help: "The size of the tree.") var files = 0

    func run() throws {
        let figures = try Self.visit(task, path, files: files)
        print(figures.text, terminator: "")
    }

    static func visit(_ task: Task, _ path: String, files: Int) throws -> VisitFigures {
        switch task {
        case .lookups: return TreeVisit(path: path).lookUp(files: files)
        case .contents: return TreeVisit(path: path).readAll()
        case .listing: return FolderVisit.list(path)
        case .residency:
            var figures = VisitFigures()
            figures.bytes = try PageCache.cachedBytes(path)
            return figures
        }
    }
}
