// Text to words, and the forms that a word may be inflected or spelled from.
//
// Strings are UTF-8 (lone surrogates included), offsets are bytes, lengths are code points.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace fuzzydict {

using View = std::string_view;

constexpr uint64_t HASH_START = 0xcbf29ce484222325u;
constexpr size_t MAX_LENGTH = 1000;  // characters of a text that are read

// FNV-1a: the hash of a text continues from that of what comes before it.
inline uint64_t hash_of(View text, uint64_t hash = HASH_START) {
    for (unsigned char byte : text) hash = (hash ^ byte) * 0x100000001b3u;
    return hash;
}

inline uint32_t short_hash(uint64_t hash) {
    hash = (hash ^ (hash >> 32)) * 0x9e3779b97f4a7c15u;
    return static_cast<uint32_t>(hash >> 32);
}

inline bool is_upper(unsigned char letter) { return letter >= 'A' && letter <= 'Z'; }
inline bool is_lower(unsigned char letter) { return letter >= 'a' && letter <= 'z'; }
inline bool is_letter(unsigned char letter) { return is_upper(letter) || is_lower(letter); }
inline bool is_digit(unsigned char letter) { return letter >= '0' && letter <= '9'; }
inline bool is_word(unsigned char letter) {
    return is_letter(letter) || is_digit(letter) || letter == '_';
}
inline bool begins_character(unsigned char byte) { return (byte & 0xC0) != 0x80; }

inline size_t length_of(View text) {
    size_t length = 0;
    for (unsigned char byte : text) length += begins_character(byte);
    return length;
}

// Append the code points of a text.
inline void decode(View text, std::u32string& out) {
    size_t place = out.size(), i = 0, n = text.size();
    out.resize(place + n);
    char32_t* to = &out[0] + place;
    while (i < n) {
        unsigned char byte = static_cast<unsigned char>(text[i++]);
        char32_t code = byte;
        if (byte >= 0x80) {
            int more = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
            code = byte & (0x3F >> more);
            for (; more && i < n; --more) code = code << 6 | (text[i++] & 0x3F);
        }
        *to++ = code;
    }
    out.resize(static_cast<size_t>(to - &out[0]));
}

inline bool starts_with(View text, View start) {
    if (text.size() < start.size() || start.empty()) return start.empty();
    return text.front() == start.front() && std::memcmp(text.data(), start.data(), start.size()) == 0;
}

inline bool ends_with(View text, View end) {
    if (text.size() < end.size() || end.empty()) return end.empty();
    return text.back() == end.back() &&
           std::memcmp(text.data() + text.size() - end.size(), end.data(), end.size()) == 0;
}

inline View first_character(View text) {
    size_t size = text.empty() ? 0 : 1;
    while (size < text.size() && !begins_character(static_cast<unsigned char>(text[size]))) ++size;
    return text.substr(0, size);
}

// Strings, which belong to others, by their numbers from 0, and the way back.
class Names {
public:
    explicit Names(size_t expected = 0) { resize(expected); }

    size_t size() const { return names_.size(); }
    View operator[](size_t number) const { return names_[number]; }

    int32_t find(View name, uint64_t hash) const {
        uint32_t tag = short_hash(hash);
        for (size_t slot = tag & mask_;; slot = (slot + 1) & mask_) {
            if (slots_[slot].number < 0) return -1;
            if (slots_[slot].tag == tag && names_[static_cast<size_t>(slots_[slot].number)] == name)
                return slots_[slot].number;
        }
    }

    int32_t find(View name) const { return find(name, hash_of(name)); }

    // Add the next one. Of equal names the last one is found.
    void add(View name) {
        if ((names_.size() + 1) * 8 > slots_.size() * 5) resize(names_.size() * 2 + 8);
        uint32_t tag = short_hash(hash_of(name));
        size_t slot = tag & mask_;
        for (; slots_[slot].number >= 0; slot = (slot + 1) & mask_)
            if (slots_[slot].tag == tag && names_[static_cast<size_t>(slots_[slot].number)] == name) break;
        slots_[slot] = {tag, static_cast<int32_t>(names_.size())};
        names_.push_back(name);
    }

private:
    struct Slot {
        uint32_t tag;
        int32_t number;
    };

    void resize(size_t expected) {
        size_t size = 16;
        while (size * 5 < expected * 8) size *= 2;
        std::vector<Slot> old(size, Slot{0, -1});
        old.swap(slots_);
        mask_ = size - 1;
        names_.reserve(expected);
        for (const Slot& each : old) {
            if (each.number < 0) continue;
            size_t slot = each.tag & mask_;
            while (slots_[slot].number >= 0) slot = (slot + 1) & mask_;
            slots_[slot] = each;
        }
    }

    std::vector<Slot> slots_;
    std::vector<View> names_;
    size_t mask_ = 0;
};

// The words of a text, in lower case. They lie side by side, so that two neighbours written as one
// are a part of `compact`, and a phrase with its spaces is a part of `spaced`.
class Split {
public:
    size_t size() const { return words_.size(); }
    View operator[](size_t i) const { return View(compact).substr(words_[i].start, words_[i].size); }
    bool is_number(size_t i) const { return words_[i].number; }

    View joined(size_t start, size_t end) const {
        if (start >= end) return {};
        size_t from = words_[start].start;
        return View(compact).substr(from, words_[end - 1].start + words_[end - 1].size - from);
    }

    View phrase(size_t start, size_t end) const {
        if (start >= end) return {};
        size_t from = words_[start].start + start;
        size_t to = words_[end - 1].start + words_[end - 1].size + end - 1;
        return View(spaced).substr(from, to - from);
    }

    void add(View word, bool number) {
        words_.push_back({static_cast<uint32_t>(compact.size()),
                          static_cast<uint32_t>(word.size()), number});
        compact.append(word);
        if (words_.size() > 1) spaced.push_back(' ');
        spaced.append(word);
    }

    std::string compact, spaced;

private:
    struct Word {
        uint32_t start, size;
        bool number;
    };
    std::vector<Word> words_;
};

// Does a new word begin within letters: max|Connections, HTTP|Server, but URLs?
inline bool begins_word(View text, size_t i) {
    auto at = [&](size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0; };
    if (!is_upper(at(i))) return false;
    if (is_lower(at(i - 1))) return true;
    return is_upper(at(i - 1)) && is_lower(at(i + 1)) && !(at(i + 1) == 's' && !is_lower(at(i + 2)));
}

// Write what apostrophes and commas join as one ("don't", "1,000"), and split camel case.
inline std::string without_marks(View text, bool camel) {
    std::string spaced, plain, result;
    for (size_t i = 0; i < text.size(); ++i) {
        if (camel && i && begins_word(text, i)) spaced.push_back(' ');
        spaced.push_back(text[i]);
    }
    auto ends_at = [&](size_t k) {
        return k >= spaced.size() || !is_word(static_cast<unsigned char>(spaced[k]));
    };
    for (size_t i = 0; i < spaced.size(); ++i) {
        if (spaced[i] == '\'' && i && !ends_at(i - 1)) {
            char one = i + 1 < spaced.size() ? static_cast<char>(spaced[i + 1] | 32) : 0;
            char two = i + 2 < spaced.size() ? static_cast<char>(spaced[i + 2] | 32) : 0;
            bool brief = (one == 's' || one == 't' || one == 'd' || one == 'm') && ends_at(i + 2);
            bool pair = ((one == 'r' && two == 'e') || (one == 'v' && two == 'e') ||
                         (one == 'l' && two == 'l')) &&
                        ends_at(i + 3);
            if (brief || pair) continue;
        }
        plain.push_back(spaced[i]);
    }
    auto digit = [&](size_t k) {
        return k < plain.size() && is_digit(static_cast<unsigned char>(plain[k]));
    };
    for (size_t i = 0; i < plain.size(); ++i) {
        bool thousands = plain[i] == ',' && i && digit(i - 1) && digit(i + 1) && digit(i + 2) &&
                         digit(i + 3) && !digit(i + 4);
        if (!thousands) result.push_back(plain[i]);
    }
    return result;
}

inline bool is_space(unsigned char letter) {
    return letter == ' ' || (letter >= '\t' && letter <= '\r') || (letter >= 0x1c && letter <= 0x1f);
}

inline size_t end_of_digits(View text, size_t i) {
    while (i < text.size() && is_digit(static_cast<unsigned char>(text[i]))) i++;
    return i;
}

// Do digits go on after those that begin at a place, as in 1.2.3?
inline bool continues(View text, size_t i) {
    i = end_of_digits(text, i);
    return i + 1 < text.size() && text[i] == '.' && is_digit(static_cast<unsigned char>(text[i + 1]));
}

// Is there ".5", which does not continue a word or a number?
inline bool starts_decimal(View text, size_t i) {
    auto at = [&](size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0; };
    return at(i) == '.' && is_digit(at(i + 1)) && !(i && (is_word(at(i - 1)) || at(i - 1) == '.')) && !continues(text, i + 1);
}

// Read the number that begins at a place, a decimal one as it is usually written: .5 as 0.5, 2.0 as 2,
// but 3.10 as it is. Return where it ends.
inline size_t read_number(View text, size_t i, std::string& out) {
    size_t start = i, end = end_of_digits(text, i);
    bool negative = i && text[i - 1] == '-' && (i == 1 || text[i - 2] == '_' || is_space(static_cast<unsigned char>(text[i - 2])));
    View whole = text.substr(start, end - start), decimals;
    bool whole_decimal = end + 1 < text.size() && text[end] == '.' && is_digit(static_cast<unsigned char>(text[end + 1])) &&
                         !(start && text[start - 1] == '.') && !continues(text, end + 1);
    if (whole_decimal) {
        size_t last = end_of_digits(text, end + 1);
        decimals = text.substr(end + 1, last - end - 1);
        end = last;
    }
    if (whole_decimal && (whole.empty() || whole == "0")) {
        whole = "0";
        while (!decimals.empty() && decimals.back() == '0') decimals.remove_suffix(1);
    }
    if (negative) out.push_back('-');
    out.append(whole);
    if (decimals.find_first_not_of('0') != View::npos) out.append(".").append(decimals);
    return end;
}

// Read plus signs, which are words behind a word or a number, unless letters follow: "C++", "UTC+8".
// Return where they end.
inline size_t read_plus(View text, size_t i, Split& out) {
    size_t end = i;
    while (end < text.size() && text[end] == '+') end++;
    auto at = [&](size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0; };
    bool behind = i && (is_letter(at(i - 1)) || is_digit(at(i - 1)));
    if (behind && !is_letter(at(end)))
        for (size_t k = i; k < end; k++) out.add("plus", false);
    return end;
}

// Is a mark part of "C#": behind a single letter?
inline bool is_sharp(View text, size_t i, bool camel) {
    auto at = [&](size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0; };
    if (!i || !is_letter(at(i - 1)) || is_word(at(i + 1))) return false;
    return i == 1 || !is_word(at(i - 2)) || (camel && begins_word(text, i - 1));
}

// Write initials as one word: "U.S." as "US", but not "a.b.example".
inline std::string with_joined_initials(View text) {
    auto at = [&](size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0; };
    std::string result;
    for (size_t i = 0; i < text.size();) {
        size_t end = i;
        if (!i || !is_word(at(i - 1)))
            while (is_letter(at(end)) && at(end + 1) == '.') end += 2;
        size_t rest = end;
        while (is_word(at(rest))) rest++;
        if (end < i + 4 || rest > end + 1 || (rest > end && !is_letter(at(end)))) {
            end = std::max(end, i + 1);
            result.append(text.substr(i, end - i));
        } else {
            for (size_t k = i; k < end; k += 2) result.push_back(text[k]);
        }
        i = end;
    }
    return result;
}

// May an ASCII text have a date, a time, an amount or the like, which `fuzzydict.text.notations`
// writes in one way? True for all that it changes.
inline bool may_have_notation(View text) {
    std::string joined;
    if (text.find('.') != View::npos) {
        joined = with_joined_initials(text);
        text = joined;
    }
    auto at = [&](size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0; };
    auto lower = [&](size_t k) { return static_cast<char>(at(k) | 32); };
    auto follows = [&](size_t start, View word) {  // from the first letter of a word on
        for (size_t k = 0; k < word.size(); k++)
            if (lower(start + k) != word[k]) return false;
        return true;
    };
    for (size_t i = 0; i < text.size(); i++) {
        unsigned char letter = at(i), before = i ? at(i - 1) : 0;
        if (is_upper(at(i + 1)) && is_letter(letter) && !is_letter(before) && View("cdkmnpuGMT").find(letter) != View::npos) {
            size_t end = i;  // kW
            bool lower_case = false;
            for (; is_letter(at(end)); end++) lower_case |= is_lower(at(end));
            if (lower_case && end - i <= 4) return true;
        }
        switch (letter) {
        case '%': case '$': return true;
        case '/': case ':': if (is_digit(before) && is_digit(at(i + 1))) return true; break;
        case '>': if (before == '-' || before == '=') return true; break;
        case '-': if (i && i + 1 == text.size() && is_letter(before)) return true; break;
        case 'x': case 'X': if (before == '0') return true; break;
        case 'm': case 'M':
            if (i > 1 && (lower(i - 1) == 'a' || lower(i - 1) == 'p')) {  // 9 am
                size_t k = i - 2;
                if (k && is_space(at(k))) k--;
                if (is_digit(at(k))) return true;
            }
            if (follows(i, "minus") && is_space(at(i + 5))) return true;
            break;
        case 'g': case 'G': case 'u': case 'U':
            if (follows(i, "gmt") || follows(i, "utc")) {
                size_t k = i + 3 + (is_space(at(i + 3)) ? 1 : 0);
                if (at(k) == '+' || at(k) == '-') return true;
            }
            break;
        case 's': case 'n': case 'r': case 't': case 'S': case 'N': case 'R': case 'T':  // 1st, 2nd, 3rd, 4th
            if (is_digit(before) && (follows(i, "st") || follows(i, "nd") || follows(i, "rd") || follows(i, "th"))) return true;
            break;
        case '1': case '2':
            if (letter == '2' && is_letter(before) && is_letter(at(i + 1))) return true;
            if (((letter == '1' && at(i + 1) == '9') || (letter == '2' && at(i + 1) == '0')) && is_digit(at(i + 2)) && is_digit(at(i + 3)))
                return true;
            break;
        default: break;
        }
    }
    return false;
}

// The words of an ASCII text.
inline Split split_ascii(View text) {
    text = text.substr(0, MAX_LENGTH);
    bool lower = false, upper = false, marks = false;
    for (unsigned char letter : text) {
        lower |= is_lower(letter);
        upper |= is_upper(letter);
        marks |= letter == '\'' || letter == ',';
    }
    bool camel = lower && upper;
    std::string rewritten, joined;
    if (text.find('.') != View::npos) {
        joined = with_joined_initials(text);
        text = joined;
    }
    if (marks) {
        rewritten = without_marks(text, camel);
        text = rewritten;
        camel = false;
    }
    Split result;
    std::string word;
    for (size_t i = 0; i < text.size();) {
        unsigned char letter = static_cast<unsigned char>(text[i]);
        if (letter == '+') {
            i = read_plus(text, i, result);
            continue;
        }
        if (letter == '#' && is_sharp(text, i, camel)) result.add("sharp", false);
        bool number = is_digit(letter);
        if (!number && !is_letter(letter) && !starts_decimal(text, i)) {
            ++i;
            continue;
        }
        word.clear();
        if (number || starts_decimal(text, i)) {
            i = read_number(text, i, word);
            result.add(word, true);
            continue;
        }
        do {
            word.push_back(static_cast<char>(is_upper(letter) ? letter + 32 : letter));
            if (++i == text.size()) break;
            letter = static_cast<unsigned char>(text[i]);
        } while (is_letter(letter) && !(camel && begins_word(text, i)));
        result.add(word, false);
    }
    return result;
}

// The file ``word<TAB>form,form`` a line, as a map from words to lists of words.
class WordTable {
public:
    WordTable() : WordTable(std::string()) {}

    explicit WordTable(std::string file)
        : file_(std::move(file)), rows_(static_cast<size_t>(std::count(file_.begin(), file_.end(), '\n'))) {
        View rest(file_);
        while (!rest.empty()) {
            View line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(rest.size(), line.size() + 1));
            if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
            size_t tab = line.find('\t');
            if (tab == View::npos) continue;
            rows_.add(line.substr(0, tab));
            starts_.push_back(line.substr(tab + 1));
        }
    }
    WordTable(const WordTable&) = delete;
    WordTable& operator=(const WordTable&) = delete;

    template <class Visit> void each(View word, uint64_t hash, Visit visit) const {
        int32_t row = rows_.find(word, hash);
        if (row < 0) return;
        View rest = starts_[static_cast<size_t>(row)];
        for (;;) {
            size_t comma = rest.find(',');
            visit(rest.substr(0, comma));
            if (comma == View::npos) return;
            rest.remove_prefix(comma + 1);
        }
    }

private:
    std::string file_;
    Names rows_;
    std::vector<View> starts_;
};

struct Suffix {
    View end, base;
};
constexpr Suffix SUFFIXES[] = {
    {"ies", "y"}, {"ves", "f"}, {"es", ""},  {"es", "e"}, {"s", ""},   {"ied", "y"},
    {"ed", ""},   {"ed", "e"},  {"ing", ""}, {"ing", "e"}, {"er", ""}, {"er", "e"},
    {"est", ""},  {"est", "e"}, {"iest", "y"}, {"ier", "y"}, {"ly", ""}, {"ness", ""},
};

// Call ``visit`` with each form that the word may be inflected from, the likeliest first, until it
// returns true.
template <class Visit> bool each_base(View word, const WordTable& irregular, Visit visit) {
    bool stop = false;
    irregular.each(word, hash_of(word), [&](View base) { stop = stop || visit(base); });
    if (stop || word.size() < 3) return stop;
    char last = word.back();
    if (last != 's' && last != 'd' && last != 'g' && last != 'r' && last != 't' && last != 'y')
        return false;
    std::string base;
    for (const Suffix& suffix : SUFFIXES) {
        if (!ends_with(word, suffix.end)) continue;
        View stem = word.substr(0, word.size() - suffix.end.size());
        size_t length = length_of(stem);
        if (length < 2) continue;
        base.assign(stem).append(suffix.base);
        if (visit(base)) return true;
        if (suffix.base.empty() && length > 3) {
            size_t start = stem.size() - 1;
            while (!begins_character(static_cast<unsigned char>(stem[start]))) --start;
            View end = stem.substr(start), before = stem.substr(0, start);
            if (ends_with(before, end) && visit(before)) return true;
        }
    }
    return false;
}

constexpr size_t VARIANT_LETTERS = 5;  // "four" is not spelled "for"

// The hash of the one spelling for the British and the American one.
inline uint64_t variant_hash(View word) {
    uint64_t hash = HASH_START;
    size_t i = 0;
    if (length_of(word) < VARIANT_LETTERS && word != "grey") return hash_of(word);
    while (i < word.size()) {
        View rest = word.substr(i), to;
        size_t used = 0;
        auto is = [&](View from, View other) {
            if (used || !starts_with(rest, from)) return;
            used = from.size();
            to = other;
        };
        auto before = [&](View from, bool ation) {
            View after = rest.substr(std::min(rest.size(), from.size()));
            return starts_with(rest, from) && (starts_with(after, "e") || starts_with(after, "ing") ||
                                               (ation && starts_with(after, "ation")));
        };
        switch (word[i]) {
        case 'g': is("grey", "gray"); break;
        case 'o':
            if (starts_with(rest, "our") && (rest.size() == 3 || rest == "ours" || View("iaflyh").find(rest[3]) != View::npos ||
                                             starts_with(rest, "oured") || starts_with(rest, "ourer")))
                is("our", "or");
            is("ogue", "og");
            is("oe", "e");
            break;
        case 's': is("sulph", "sulf"); break;
        case 'i': if (before("is", true)) is("is", "iz"); break;
        case 'y': if (before("ys", false)) is("ys", "yz"); break;
        case 't': if (rest == "tre") is("tre", "ter"); break;
        case 'e': is("ence", "ense"); break;
        case 'l': is("ll", "l"); break;
        case 'a': is("ae", "e"); break;
        case 'm': if (rest == "mme") is("mme", "m"); break;
        default: break;
        }
        if (used) {
            hash = hash_of(to, hash);
            i += used;
        } else {
            hash = hash_of(word.substr(i++, 1), hash);
        }
    }
    return hash;
}

}  // namespace fuzzydict
