import Foundation
import Platform
import TestSupport
import Testing

extension EndToEnd {
    /// The picture of `serverfs cost`, as a real browser draws it.
    @Suite(.timeLimit(.minutes(3)), .enabled(if: Browser.isInstalled, "chromium and chromium-driver are not installed"))
    struct CostPictureTests {
        /// Where its texts and bars are, and how they are coloured.
        private static let look = """
            const svg = document.documentElement
            const box = (element) => { const { x, y, width, height } = element.getBBox(); return { x, y, width, height } }
            const texts = [...svg.querySelectorAll('text')].filter((each) => each.textContent.trim() !== '')
            const bars = [...svg.querySelectorAll('rect:not(.paper)')]
            const apart = (a, b) => a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y
            const problems = []
            const all = texts.map((each) => ({ text: each.textContent, ...box(each) }))
            const paper = box(svg.querySelector('.paper'))
            for (const [index, each] of all.entries()) {
                if (each.x < 0 || each.x + each.width > paper.width || each.y < 0 || each.y + each.height > paper.height) {
                    problems.push(`outside: ${each.text}`)
                }
                for (const other of all.slice(index + 1)) {
                    if (!apart(each, other)) problems.push(`over each other: ${each.text} / ${other.text}`)
                }
                for (const bar of bars) if (!apart(each, box(bar))) problems.push(`over a bar: ${each.text}`)
            }
            const luminance = (element) => {
                const [red, green, blue] = getComputedStyle(element).fill.match(/\\d+/g).map((part) => {
                    const value = Number(part) / 255
                    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
                })
                return 0.2126 * red + 0.7152 * green + 0.0722 * blue
            }
            const contrast = (one, other) => {
                const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b)
                return (high + 0.05) / (low + 0.05)
            }
            const ground = svg.querySelector('.paper')
            for (const each of texts) if (contrast(each, ground) < 4.5) problems.push(`hard to read: ${each.textContent}`)
            for (const each of bars) {
                if (!each.matches('.less') && contrast(each, ground) < 1.9) problems.push(`hard to see: ${each.className.baseVal}`)
            }
            const style = getComputedStyle(ground).fill
            return [problems.join('; '), style, texts.map((each) => each.textContent).join('\\n')]
            """

        /// With a path that is longer than a line.
        @Test func nothingOverlapsInLightAndInDark() throws {
            let folder = try PrivateFolder()
            let name = "docroot-" + String(repeating: "of-a-long-name-", count: 12)
            let docroot = try folder.makeFolder(name)
            try folder.write("\(name)/index.html", String(repeating: "i", count: 26_400))
            let picture = "\(folder.path)/cost.svg"
            let process = try ChildProcess(
                [
                    ServerProcess.binaryPath, "cost", docroot, "--profile", "seed", "--seconds", "0.5", "--rounds", "1",
                    "--load", "built-in", "--svg", picture,
                ], in: folder, environment: ["TMPDIR": try folder.makeFolder("tmp")])
            try #require(process.wait(seconds: 60) == .exited(0), "\(process.errorOutput)")
            let browser = try Browser(width: 1000, height: 800)
            for (scheme, paper) in [(Browser.ColorScheme.light, "rgb(238, 242, 245)"), (.dark, "rgb(26, 33, 40)")] {
                try browser.setColorScheme(scheme)
                try browser.driver.open("file://\(picture)")
                let found = try #require(try browser.driver.run(Self.look) as? [String])
                #expect(found[0] == "")
                #expect(found[1] == paper)
                for word in ["fuse-api lowlevel", "context switches", "µs", "share", "mount"] {
                    #expect(found[2].contains(word), "\(word)")
                }
                let bytes = try browser.keepScreenshot("cost-\(scheme).png")
                #expect(bytes.count > 10_000)
            }
        }
    }
}
