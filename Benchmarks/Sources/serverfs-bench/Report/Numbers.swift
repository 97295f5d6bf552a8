/// A number with a fixed count of decimals, at most 9.
func fixed(_ value: Double, decimals: Int) -> String {
    guard value.isFinite else { return "–" }
    var scale = 1
    for _ in 0..<decimals { scale *= 10 }
    let scaled = Int((value.magnitude * Double(scale)).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard decimals > 0 else { return "\(sign)\(scaled)" }
    let fraction = String(scaled % scale)
    return "\(sign)\(scaled / scale)." + String(repeating: "0", count: decimals - fraction.count) + fraction
}

/// A whole number with commas: 26,400.
func grouped(_ value: Double) -> String {
    let digits = fixed(value, decimals: 0)
    var text = ""
    for (index, digit) in digits.enumerated() {
        if index > 0 && digit.isNumber && (digits.count - index) % 3 == 0 && text != "-" { text += "," }
        text.append(digit)
    }
    return text
}

/// In wrk's units, 1024 by 1024, and with no more digits than wrk gives.
func binaryAmount(_ bytes: Double) -> String {
    var value = bytes
    for unit in ["B", "KB", "MB"] {
        if value < 1024 { return "\(fixed(value, decimals: 2)) \(unit)" }
        value /= 1024
    }
    return "\(fixed(value, decimals: 2)) GB"
}
