// How alike two spellings are, and vectors of spellings.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "lanes.hpp"
#include "text.hpp"

namespace fuzzydict {

constexpr int WORD_BITS = 64;
using Letters = std::basic_string_view<char32_t>;

inline int count_bits(uint64_t bits) {
    bits = bits - ((bits >> 1) & 0x5555555555555555u);
    bits = (bits & 0x3333333333333333u) + ((bits >> 2) & 0x3333333333333333u);
    bits = (bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0Fu;
    return static_cast<int>((bits * 0x0101010101010101u) >> 56);
}

inline uint64_t first_bits(int n) { return n >= WORD_BITS ? ~uint64_t{0} : (uint64_t{1} << n) - 1; }

// The places of the letters of a text, of the first 64 of them: bit i is set where it is letter i.
class Pattern {
public:
    Letters letters;
    int length = 0;

    void prepare(Letters text) {
        letters = text;
        length = static_cast<int>(text.size());
        others_ = 0;
        ignores_case_ = false;
        ascii_.fill(0);
        for (int i = 0; i < std::min(length, WORD_BITS); i++) {
            char32_t letter = text[static_cast<size_t>(i)];
            uint64_t bit = uint64_t{1} << i;
            if (letter < ascii_.size()) {
                ascii_[letter] |= bit;
                continue;
            }
            int k = 0;
            while (k < others_ && other_[k] != letter) k++;
            if (k == others_) {
                other_[k] = letter;
                places_[k] = 0;
                others_++;
            }
            places_[k] |= bit;
        }
    }

    // Take capital letters for small ones.
    void ignore_case() {
        ignores_case_ = true;
        for (size_t letter = 'A'; letter <= 'Z'; letter++) ascii_[letter] = ascii_[letter + 32];
    }

    bool ignores_case() const { return ignores_case_; }

    uint64_t operator[](char32_t letter) const {
        if (letter < ascii_.size()) return ascii_[letter];
        for (int k = 0; k < others_; k++)
            if (other_[k] == letter) return places_[k];
        return 0;
    }

private:
    std::array<uint64_t, 128> ascii_;
    int others_ = 0;
    bool ignores_case_ = false;
    char32_t other_[WORD_BITS];
    uint64_t places_[WORD_BITS];
};

// The longest common subsequence (Hyyrö, 2004), 64 letters of the one at a time. The other are
// code points, or bytes of ASCII.
class CommonLetters {
public:
    // Take the next letter of the other text, which the first has at these places.
    void take(uint64_t places) {
        uint64_t met = rows_ & places;
        rows_ = (rows_ + met) | (rows_ - met);
    }

    int length(int n) const { return count_bits(~rows_ & first_bits(n)); }

private:
    uint64_t rows_ = ~uint64_t{0};
};

inline float lcs_ratio(int length, int both) {
    return static_cast<float>(1.0 - static_cast<double>(both - 2 * length) / std::max(both, 1));
}

template <class Other> int lcs(const Pattern& one, Other other) {
    if (one.length <= WORD_BITS) {
        CommonLetters common;
        for (auto letter : other) common.take(one[static_cast<char32_t>(letter)]);
        return common.length(one.length);
    }
    std::vector<uint64_t> carries(other.size(), 0);  // from the letters before
    int length = 0;
    for (size_t start = 0; start < one.letters.size(); start += WORD_BITS) {
        Pattern part;
        part.prepare(one.letters.substr(start, WORD_BITS));
        if (one.ignores_case()) part.ignore_case();
        uint64_t rows = ~uint64_t{0};
        for (size_t j = 0; j < other.size(); j++) {
            uint64_t met = rows & part[static_cast<char32_t>(other[j])], sum = rows + met;
            uint64_t carry = sum < rows;
            sum += carries[j];
            carry |= sum < carries[j];
            carries[j] = carry;
            rows = sum | (rows - met);
        }
        length += count_bits(~rows & first_bits(part.length));
    }
    return length;
}

template <class Other> float lcs_ratio(const Pattern& one, Other other) {
    return lcs_ratio(lcs(one, other), one.length + static_cast<int>(other.size()));
}

// Edits with transpositions of neighbours: by bits (Hyyrö, 2003), or else by the table of distances.
class Edits {
public:
    explicit Edits(int n) : distance_(n), last_(n ? uint64_t{1} << (n - 1) : 0) {}

    void take(uint64_t places) {
        uint64_t swapped = ((~same_ & places) << 1) & before_;
        same_ = (((places & up_) + up_) ^ up_) | places | down_ | swapped;
        uint64_t more = down_ | ~(same_ | up_), less = same_ & up_;
        distance_ += (more & last_) != 0;
        distance_ -= (less & last_) != 0;
        more = (more << 1) | 1;
        up_ = (less << 1) | ~(same_ | more);
        down_ = more & same_;
        before_ = places;
    }

    int distance() const { return distance_; }

private:
    int distance_;
    uint64_t last_, up_ = ~uint64_t{0}, down_ = 0, same_ = 0, before_ = 0;
};

inline int edit_distance(const Pattern& one, Letters other) {
    int n = one.length, m = static_cast<int>(other.size());
    if (n == 0 || m == 0) return n + m;
    if (n <= WORD_BITS) {
        Edits edits(n);
        for (char32_t letter : other) edits.take(one[letter]);
        return edits.distance();
    }
    if (m <= WORD_BITS) {
        Pattern pattern;
        pattern.prepare(other);
        return edit_distance(pattern, one.letters);
    }
    std::vector<int> before(other.size() + 1), last(other.size() + 1), row(other.size() + 1);
    for (size_t j = 0; j <= other.size(); j++) last[j] = static_cast<int>(j);
    for (size_t i = 1; i <= one.letters.size(); i++) {
        row[0] = static_cast<int>(i);
        for (size_t j = 1; j <= other.size(); j++) {
            bool differ = one.letters[i - 1] != other[j - 1];
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + differ});
            if (i > 1 && j > 1 && one.letters[i - 1] == other[j - 2] && one.letters[i - 2] == other[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before.swap(last);
        last.swap(row);
    }
    return last[other.size()];
}

inline float edit_similarity(int distance, int longer) {
    return longer ? static_cast<float>(1.0 - static_cast<double>(distance) / longer) : 1.0f;
}

inline float edit_similarity(const Pattern& one, Letters other) {
    return edit_similarity(edit_distance(one, other), std::max(one.length, static_cast<int>(other.size())));
}

// Which letters of two texts of up to 64 are the same, not far from each other (Jaro, 1989).
class SameLetters {
public:
    explicit SameLetters(int window) : near_(first_bits(window + 1)), first_(first_bits(window)) {}

    void take(uint64_t places) {
        uint64_t open = places & ~taken_ & near_;
        taken_ |= open & (~open + 1);
        given_[met_] = places;
        met_ += open != 0;
        near_ = near_ << 1 | (first_ & 1);
        first_ >>= 1;
    }

    int met() const { return met_; }

    int moved() const {
        int moved = 0;
        uint64_t taken = taken_;
        for (int k = 0; k < met_; k++, taken &= taken - 1) moved += !(given_[k] & taken & (~taken + 1));
        return moved;
    }

private:
    uint64_t near_, first_, taken_ = 0, given_[WORD_BITS];
    int met_ = 0;
};

inline int jaro_window(int n, int m) { return std::max(std::max(n, m) / 2 - 1, 0); }

inline float jaro_winkler(Letters one, Letters other, int met, int moved) {
    if (met == 0) return 0;
    double n = static_cast<double>(one.size()), m = static_cast<double>(other.size());
    double jaro = (met / n + met / m + static_cast<double>(met - moved / 2) / met) / 3;
    if (jaro > 0.7) {
        size_t most = std::min({one.size(), other.size(), size_t{4}}), k = 0;
        while (k < most && one[k] == other[k]) k++;
        jaro += static_cast<int>(k) * 0.1 * (1.0 - jaro);
    }
    return static_cast<float>(jaro);
}

// Jaro and Winkler's similarity (1990).
inline float jaro_winkler(const Pattern& one, Letters other) {
    int n = one.length, m = static_cast<int>(other.size()), met = 0, moved = 0;
    if (n == 0 || m == 0) return n == m ? 1.0f : 0.0f;
    int window = jaro_window(n, m);
    if (n <= WORD_BITS && m <= WORD_BITS) {
        SameLetters same(window);
        for (char32_t letter : other) same.take(one[letter]);
        met = same.met();
        moved = same.moved();
    } else {
        std::vector<char> taken(one.letters.size(), 0);
        std::u32string given;
        for (int j = 0; j < m; j++)
            for (int i = std::max(0, j - window); i < std::min(n, j + window + 1); i++) {
                size_t place = static_cast<size_t>(i);
                if (taken[place] || one.letters[place] != other[static_cast<size_t>(j)]) continue;
                taken[place] = 1;
                given.push_back(other[static_cast<size_t>(j)]);
                met++;
                break;
            }
        for (size_t i = 0, k = 0; i < taken.size(); i++)
            if (taken[i]) moved += one.letters[i] != given[k++];
    }
    return jaro_winkler(one.letters, other, met, moved);
}

// The three of them, for texts of up to 64 letters in one pass. Return the number of edits.
inline int similarities(const Pattern& one, Letters other, float* out) {
    int n = one.length, m = static_cast<int>(other.size());
    if (n == 0 || m == 0 || n > WORD_BITS || m > WORD_BITS) {
        int distance = edit_distance(one, other);
        out[0] = lcs_ratio(one, other);
        out[1] = edit_similarity(distance, std::max(n, m));
        out[2] = jaro_winkler(one, other);
        return distance;
    }
    CommonLetters common;
    Edits edits(n);
    SameLetters same(jaro_window(n, m));
    for (char32_t letter : other) {
        uint64_t places = one[letter];
        common.take(places);
        edits.take(places);
        same.take(places);
    }
    out[0] = lcs_ratio(common.length(n), n + m);
    out[1] = edit_similarity(edits.distance(), std::max(n, m));
    out[2] = jaro_winkler(one.letters, other, same.met(), same.moved());
    return edits.distance();
}

inline bool is_vowel(char32_t letter) {
    return letter == 'a' || letter == 'e' || letter == 'i' || letter == 'o' || letter == 'u';
}

// Are the keys of two letters neighbours, or do the letters often sound alike?
inline bool are_confused(char32_t one, char32_t other) {
    static constexpr const char* ROWS[] = {"qwertyuiop", "asdfghjkl", "zxcvbnm"};
    static constexpr const char* SOUNDS[] = {"ck", "cs", "sz", "kq", "iy", "gj", "fv", "mn"};
    if (is_vowel(one) && is_vowel(other)) return true;
    for (const char* pair : SOUNDS)
        if ((one == static_cast<unsigned char>(pair[0]) && other == static_cast<unsigned char>(pair[1])) ||
            (other == static_cast<unsigned char>(pair[0]) && one == static_cast<unsigned char>(pair[1])))
            return true;
    int row[2] = {-1, -1}, column[2] = {0, 0};
    for (int side = 0; side < 2; side++)
        for (int r = 0; r < 3; r++)
            for (int c = 0; ROWS[r][c]; c++)
                if ((side ? other : one) == static_cast<unsigned char>(ROWS[r][c])) {
                    row[side] = r;
                    column[side] = c;
                }
    if (row[0] < 0 || row[1] < 0) return false;
    int down = row[1] - row[0], right = column[1] - column[0];
    return down == 0 ? right == 1 || right == -1 : (down == 1 && (right == 0 || right == -1)) ||
                                                       (down == -1 && (right == 0 || right == 1));
}

// How likely the one edit between two words is a slip: 1 for letters that are exchanged, doubled or
// confused, 0.5 for one that is left out or added behind the first, 0 for another one.
inline float slip(Letters one, Letters other) {
    Letters brief = one.size() <= other.size() ? one : other, full = one.size() <= other.size() ? other : one;
    size_t at = 0;
    while (at < brief.size() && brief[at] == full[at]) at++;
    if (brief.size() == full.size()) {
        bool exchanged = at + 1 < full.size() && brief[at] != brief[at + 1] && brief[at] == full[at + 1] &&
                         brief[at + 1] == full[at];
        return exchanged || are_confused(brief[at], full[at]) ? 1.0f : 0.0f;
    }
    if (at && full[at] == full[at - 1]) return 1;  // a letter that is equal to the next one is found behind it
    return at ? 0.5f : 0.0f;
}

inline bool in_order(Letters brief, Letters full, bool consonants = false) {
    size_t k = 0;
    for (size_t i = 0; i < full.size() && k < brief.size(); i++)
        if (brief[k] == full[i] && !(consonants && i && is_vowel(full[i]))) k++;
    return k == brief.size();
}

// How much a word looks like a short form of another, 0 to 1.
inline float abbreviation(Letters brief, Letters full) {
    size_t n = brief.size(), m = full.size(), bones = 1;
    if (n < 2 || n >= m || brief[0] != full[0] || 5 * n > 4 * m) return 0;
    bool bones_begin = true, consonants = true;
    // The consonants of the long word, and its first letter, begin with the short one, or with the
    // consonants of that.
    for (size_t i = 1; i < m; i++)
        if (!is_vowel(full[i])) {
            bones_begin = bones_begin && (bones >= n || brief[bones] == full[i]);
            bones++;
        }
    if (bones == n && bones_begin) return 1;
    if (n > 5) return 0;
    if (full.substr(0, n) == brief) return 1;
    size_t i = 1;
    for (size_t k = 1; k < n; k++) {
        if (is_vowel(brief[k])) continue;
        while (i < m && is_vowel(full[i])) i++;
        consonants = consonants && i < m && brief[k] == full[i];
        i++;
    }
    while (i < m && is_vowel(full[i])) i++;
    if ((bones_begin && bones >= n) || (consonants && i >= m)) return 0.9f;
    if (!in_order(brief, full)) return 0;
    if (brief[n - 1] != full[m - 1]) return 0.4f;
    return in_order(brief, full, true) ? 0.8f : 0.6f;
}

inline bool is_little(Letters word) {
    static constexpr std::u32string_view LITTLE[] = {
        U"a", U"an", U"and", U"at", U"by", U"de", U"for", U"from", U"in", U"of", U"on", U"or",
        U"per", U"the", U"to", U"with",
    };
    for (Letters each : LITTLE)
        if (each == word) return true;
    return false;
}

// How well a text contracts words, each to its first letter and any after it, 0 to 1.
inline float contracted(Letters brief, const std::vector<Letters>& all) {
    std::vector<Letters> words;
    for (Letters word : all)
        if (brief.size() >= all.size() || !is_little(word)) words.push_back(word);
    if (words.size() < 2 || words.size() > brief.size() || brief[0] != words[0][0]) return 0;
    std::u32string joined;
    for (Letters word : words) joined.append(word);
    if (!in_order(brief, joined)) return 0;
    std::vector<char> ends(brief.size() + 1, 0), reached;  // letters that the words so far can take
    ends[0] = 1;
    for (Letters word : words) {
        reached.assign(ends.size(), 0);
        for (size_t start = 0; start < brief.size(); start++) {
            if (!ends[start] || brief[start] != word[0]) continue;
            size_t end = start + 1, place = 1;
            reached[end] = 1;
            while (end < brief.size() && (place = word.find(brief[end], place) + 1) != 0)
                reached[++end] = 1;
        }
        ends.swap(reached);
    }
    if (!ends[brief.size()]) return 0;
    return static_cast<float>(0.5 + 0.5 * static_cast<double>(words.size()) / static_cast<double>(brief.size()));
}

constexpr int SPELLING_DIMENSION = 64;
constexpr int SPELLING_BUCKETS = 1024;

// The spelling vector of a text, of unit length or zero: its characters, pairs and triples, hashed
// into buckets, each of which has a random row of 1 and -1 in ``projection``.
inline void spelling_vector(Letters text, const int8_t* projection, float* out) {
    std::u32string framed;
    framed.reserve(text.size() + 2);
    framed.push_back(2);
    framed.append(text);
    framed.push_back(3);
    std::array<uint64_t, SPELLING_BUCKETS / 64> seen{};
    std::array<int16_t, SPELLING_DIMENSION> sums{};
    size_t n = framed.size();
    for (uint32_t salt = 0; salt < 4; salt++)
        for (size_t i = 0; i + (salt > 0) + (salt > 1) < n; i++) {
            // A character alone, with the next, with the one after it, and with both.
            if (salt == 0 && framed[i] <= 3) continue;
            uint32_t value = static_cast<uint32_t>(framed[i]) + (salt << 24);
            if (salt == 1 || salt == 3) value = value * 69069 + static_cast<uint32_t>(framed[i + 1]);
            if (salt >= 2) value = value * 69069 + static_cast<uint32_t>(framed[i + 2]);
            uint32_t bucket = (value * 2654435761u) >> 22;
            uint64_t bit = uint64_t{1} << (bucket & 63);
            if (seen[bucket >> 6] & bit) continue;
            seen[bucket >> 6] |= bit;
            add_bytes(projection + bucket * SPELLING_DIMENSION, SPELLING_DIMENSION, sums.data());
        }
    float length = 0;
    for (int16_t sum : sums) length += static_cast<float>(sum) * static_cast<float>(sum);
    length = std::max(std::sqrt(length), 1e-9f);
    for (int k = 0; k < SPELLING_DIMENSION; k++) out[k] = sums[static_cast<size_t>(k)] / length;
}

}  // namespace fuzzydict
