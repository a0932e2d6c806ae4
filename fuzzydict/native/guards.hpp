// What a query can never mean, however near it is: other numbers, and opposites.
#pragma once

#include "vocabulary.hpp"

namespace fuzzydict {

struct Particle {
    View one, other;
};
constexpr Particle PARTICLES[] = {
    {"in", "out"}, {"out", "in"}, {"on", "off"}, {"off", "on"}, {"up", "down"}, {"down", "up"},
};
constexpr View NEGATIONS[] = {"un", "in", "im", "non", "dis", "de", "mis", "anti"};
constexpr Particle PREFIXES[] = {
    {"en", "de"},     {"en", "dis"},   {"up", "down"}, {"in", "out"},    {"im", "ex"},
    {"in", "ex"},     {"in", "de"},    {"a", "de"},    {"at", "de"},     {"con", "dis"},
    {"over", "under"}, {"pre", "post"}, {"mini", "maxi"}, {"sub", "super"}, {"on", "off"},
    {"as", "des"},    {"get", "set"},
};

// Call ``visit`` with the word, what it may be inflected from, and the particle that ends it.
template <class Visit> void each_form(View word, const WordTable& irregular, Visit visit) {
    visit(word, true);
    if (word.find(' ') != View::npos) return;
    each_base(word, irregular, [&](View base) {
        visit(base, true);
        return false;
    });
    size_t length = length_of(word);
    for (const Particle& particle : PARTICLES)
        if (ends_with(word, particle.one) && length >= particle.one.size() + 3) visit(particle.one, false);
}

using Hashes = std::vector<uint64_t>;

inline bool has(const Hashes& hashes, uint64_t hash) {
    return std::find(hashes.begin(), hashes.end(), hash) != hashes.end();
}

// Append the hashes of the opposites of a word in their base forms.
inline void add_opposites(View word, const Vocabulary& vocabulary, Hashes& out) {
    Hashes forms;
    size_t first = out.size();
    if (word == "from") out.push_back(hash_of("to"));
    if (word == "to") out.push_back(hash_of("from"));
    each_form(word, vocabulary.irregular, [&](View form, bool) {
        uint64_t hash = hash_of(form);
        size_t length = length_of(form);
        forms.push_back(hash);
        vocabulary.opposites().each(form, hash, [&](View other) { out.push_back(hash_of(other)); });
        for (const Particle& particle : PARTICLES)
            if (form == particle.one) out.push_back(hash_of(particle.other));
        for (View prefix : NEGATIONS) {
            if (length >= 3) out.push_back(hash_of(form, hash_of(prefix)));
            if (length >= prefix.size() + 4 && starts_with(form, prefix))
                out.push_back(hash_of(form.substr(prefix.size())));
        }
        auto swap = [&](View one, View other) {
            if (length >= one.size() + 3 && starts_with(form, one))
                out.push_back(hash_of(form.substr(one.size()), hash_of(other)));
        };
        for (const Particle& prefix : PREFIXES) {
            swap(prefix.one, prefix.other);
            swap(prefix.other, prefix.one);
        }
    });
    auto is_form = [&](uint64_t hash) { return has(forms, hash); };
    out.erase(std::remove_if(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(), is_form), out.end());
}

// Does a word of one text mean the opposite of a word of the other, and neither have both?
inline bool are_opposites(const Split& query, const Split& key, const Vocabulary& vocabulary) {
    if (query.compact == key.compact) return false;
    auto terms_beside = [](const Split& text, const Split& other) {
        std::vector<View> terms;
        for (size_t i = 0; i <= text.size(); i++) {
            View term = i < text.size() ? text[i] : View(text.spaced);
            if (i == text.size() && i < 2) continue;
            bool in_both = false;
            for (size_t k = 0; k < other.size(); k++) in_both |= other[k] == term;
            if (!in_both) terms.push_back(term);
        }
        return terms;
    };
    Hashes forms, opposites;
    for (View term : terms_beside(key, query))
        each_form(term, vocabulary.irregular, [&](View form, bool) { forms.push_back(hash_of(form)); });
    for (View term : terms_beside(query, key)) add_opposites(term, vocabulary, opposites);
    for (uint64_t hash : opposites)
        if (has(forms, hash)) return true;
    return false;
}

// The number that a word names, or 0.
inline int number_named(View word) {
    static constexpr View NAMES[] = {
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    };
    if (word.size() < 3 || word.size() > 7) return 0;
    for (int i = 0; i < 20; i++)
        if (NAMES[i] == word) return i % 10 + 1;
    return 0;
}

// The numbers of a text: those written in digits, without leading zeros, or else those in words.
struct Numbers {
    std::vector<std::string> digits, named;

    bool any() const { return !digits.empty() || !named.empty(); }

    void add(View word, bool number) {
        if (number) {
            size_t start = 0;
            while (start + 1 < word.size() && word[start] == '0') start++;
            digits.emplace_back(word.substr(start));
        } else if (int named_number = number_named(word)) {
            named.push_back(std::to_string(named_number));
        }
    }

    explicit Numbers(const Split& text = {}) {
        for (size_t i = 0; i < text.size(); i++) add(text[i], text.is_number(i));
    }
};

inline bool is_same_year(View one, View other) {
    if (one == other) return true;
    View brief = length_of(one) <= length_of(other) ? one : other;
    View full = brief.data() == one.data() ? other : one;
    return length_of(brief) == 2 && length_of(full) == 4 && ends_with(full, brief) &&
           (starts_with(full, "19") || starts_with(full, "20"));
}

// Do both name numbers, and not the same ones?
inline bool numbers_differ(const Numbers& query, const Numbers& key) {
    if (!query.any() || (query.digits.empty() && key.digits.empty())) return false;
    const auto& asked = query.digits.empty() ? query.named : query.digits;
    const auto& other = key.digits.empty() ? key.named : key.digits;
    if (asked.empty() || other.empty() || asked == other) return false;
    if (asked.size() == other.size() &&
        std::equal(asked.begin(), asked.end(), other.begin(), [](View one, View two) { return is_same_year(one, two); }))
        return false;
    if (asked.size() > 1 && other.size() > 1) return true;
    std::string one, two;  // "24/7" is written "247" too
    for (const std::string& each : asked) one += each;
    for (const std::string& each : other) two += each;
    return one != two;
}

}  // namespace fuzzydict
