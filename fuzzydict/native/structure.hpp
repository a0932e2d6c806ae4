// What a text says beside the meanings of its words: numbers, units, negation, order, letters.
//
// `fuzzydict.text.numbers`, `fuzzydict.text.negation`, `fuzzydict.text.word_order` and
// `fuzzydict.ranking.guards` do the same in Python.
#pragma once

#include <cstdlib>

#include "vocabulary.hpp"

namespace fuzzydict {

constexpr size_t LONG_TEXT = 4;     // words of a text that may have one number more than the other
constexpr size_t RUN_DIGITS = 3;    // that may be written without what separates them
constexpr size_t CODE_LETTERS = 2;  // of a formula or code: NO2, B6

// What a word may be; guards look closer only at texts that have such words.
enum Kind : uint8_t { NUMERIC = 4, NEGATING = 8, CONNECTING = 16, LETTER = 32, UNIT = 64 };

template <size_t N> bool is_one_of(View word, const View (&words)[N]) {
    return std::find(words, words + N, word) != words + N;
}

// The number that a word names, or 0.
inline int number_named(View word) {
    static constexpr View NAMES[] = {
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
        "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth",
        "eighteenth", "nineteenth", "twentieth",
    };
    static constexpr View TENS[] = {"thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};
    if (word.size() < 3 || word.size() > 11) return 0;
    for (int i = 0; i < 40; i++)
        if (NAMES[i] == word) return i % 20 + 1;
    for (int i = 0; i < 7; i++)
        if (TENS[i] == word) return 10 * (i + 3);
    return 0;
}

// The value of a Roman numeral from 1 to 89, or 0. Above 39 it has three letters, for "XL" is a size.
inline int roman_value(View word) {
    if (word.empty() || word.size() > 8 || word == "liv") return 0;
    size_t i = 0;
    int value = 0;
    auto at = [&](View part) {
        if (!starts_with(word.substr(i), part)) return false;
        i += part.size();
        return true;
    };
    if (word.size() > 2 && at("xl")) value = 40;
    else if (word.size() > 2 && at("l")) value = 50;
    for (int tens = 0; tens < 3 && value != 40 && at("x"); tens++) value += 10;
    if (at("ix")) return i == word.size() ? value + 9 : 0;
    if (at("iv")) return i == word.size() ? value + 4 : 0;
    if (at("v")) value += 5;
    for (int ones = 0; ones < 3 && at("i"); ones++) value++;
    return i == word.size() ? value : 0;
}

inline bool is_listed_negation(View word) {
    static constexpr View WORDS[] = {
        "not", "no", "non", "never", "without", "neither", "nor", "none", "nothing", "nobody", "cannot",
        "cant", "couldnt", "dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "werent", "wont", "wouldnt",
        "shouldnt", "hasnt", "havent", "hadnt", "lack", "lacks", "lacking", "except", "excluding",
        "excludes", "excl", "minus",
    };
    return word.size() >= 2 && word.size() <= 9 && is_one_of(word, WORDS);
}

// Two of its letters may be transposed, if it has four or more: "odnt".
inline bool is_negation(View word) {
    if (is_listed_negation(word)) return true;
    if (word.size() < 4 || word.size() > 9) return false;
    std::string other(word);
    for (size_t i = 0; i + 1 < other.size(); i++) {
        std::swap(other[i], other[i + 1]);
        if (is_listed_negation(other)) return true;
        std::swap(other[i], other[i + 1]);
    }
    return false;
}

// What words that connect in the same way have in common, or "".
inline View connection(View word, const WordTable& connectors) {
    View found;
    connectors.each(word, hash_of(word), [&](View group) { found = group; });
    return found;
}

struct Unit {
    View dimension;
    double factor = 0;

    explicit operator bool() const { return !dimension.empty(); }
    bool operator==(const Unit& other) const { return dimension == other.dimension && factor == other.factor; }
    View quantity() const { return dimension.substr(0, dimension.find(' ')); }
};

inline Unit unit_of(View word, const WordTable& units) {
    Unit found;
    auto read = [&](View name) {
        int field = 0;
        units.each(name, hash_of(name), [&](View value) {
            if (field++ == 0) found.dimension = value;
            else found.factor = std::strtod(std::string(value).c_str(), nullptr);
        });
    };
    read(word);
    if (!found && ends_with(word, "s") && length_of(word) > 3) read(word.substr(0, word.size() - 1));
    return found;
}

inline uint8_t kinds_of(View word, bool number, const WordTable& units, const WordTable& connectors) {
    uint8_t kinds = 0;
    if (number || number_named(word) || roman_value(word)) kinds |= NUMERIC;
    if (is_negation(word) || word == "free") kinds |= NEGATING;
    if (!connection(word, connectors).empty()) kinds |= CONNECTING;
    if ((!number && length_of(word) == 1) || word == "plus") kinds |= LETTER;
    if (!number && unit_of(word, units)) kinds |= UNIT;
    return kinds;
}

// Numbers.

struct Number {
    std::string text;  // without leading zeros
    Unit unit;
    size_t place;  // of its word, which its unit follows
};
using Numbers = std::vector<Number>;

inline std::string without_zeros(View number) {
    std::string result;
    if (starts_with(number, "-")) {
        result = "-";
        number.remove_prefix(1);
    }
    View whole = number.substr(0, number.find('.'));
    View rest = number.substr(whole.size());
    while (!whole.empty() && whole[0] == '0') whole.remove_prefix(1);
    return result.append(whole.empty() ? View("0") : whole).append(rest);
}

// A single Roman letter numbers something at the end, or after a word such as "type".
inline int roman(const Split& text, size_t i) {
    static constexpr View COUNTED[] = {
        "act", "article", "book", "category", "chapter", "class", "division", "episode", "factor", "grade",
        "group", "level", "part", "phase", "schedule", "season", "section", "stage", "tier", "title", "type",
        "vol", "volume", "war",
    };
    int value = roman_value(text[i]);
    if (value && text[i].size() == 1 && !(i && (i + 1 == text.size() || is_one_of(text[i - 1], COUNTED)))) return 0;
    return value;
}

inline Numbers numbers_of(const Split& text, const WordTable& units) {
    Numbers found;
    for (size_t i = 0; i < text.size(); i++) {
        if (text.is_number(i)) {
            bool ascii = std::all_of(text[i].begin(), text[i].end(), [](char byte) { return !(byte & 0x80); });
            found.push_back({without_zeros(text[i]), ascii && i + 1 < text.size() ? unit_of(text[i + 1], units) : Unit(), i});
        } else if (int value = roman(text, i)) {
            found.push_back({std::to_string(value), Unit(), i});
        }
    }
    return found;
}

inline Numbers named_numbers(const Split& text) {
    Numbers found;
    for (size_t i = 0; i < text.size(); i++)
        if (int value = number_named(text[i])) found.push_back({std::to_string(value), Unit(), i});
    return found;
}

inline Numbers all_numbers(const Split& text, const WordTable& units) {
    Numbers found = numbers_of(text, units), named = named_numbers(text);
    found.insert(found.end(), named.begin(), named.end());
    return found;
}

inline bool is_same_year(View one, View other) {
    View brief = length_of(one) <= length_of(other) ? one : other;
    View full = brief.data() == one.data() ? other : one;
    return length_of(brief) == 2 && length_of(full) == 4 && ends_with(full, brief) &&
           (starts_with(full, "19") || starts_with(full, "20"));
}

inline bool is_same_number(const Number& one, const Number& other) {
    if (one.unit && other.unit) {
        if (one.unit.dimension != other.unit.dimension) return false;
        double first = std::strtod(one.text.c_str(), nullptr) * one.unit.factor;
        double second = std::strtod(other.text.c_str(), nullptr) * other.unit.factor;
        return std::abs(first - second) <= 1e-9 * std::max(std::abs(first), std::abs(second));
    }
    return one.text == other.text || is_same_year(one.text, other.text);
}

inline bool are_within(const Numbers& few, const Numbers& many) {
    return std::all_of(few.begin(), few.end(), [&](const Number& one) {
        return std::any_of(many.begin(), many.end(), [&](const Number& other) { return is_same_number(one, other); });
    });
}

inline std::string parts_of(const Numbers& found) {
    std::string result;
    for (const Number& number : found)
        for (char byte : number.text + " ") result.push_back(byte == '.' ? ' ' : byte);
    return result;
}

// The digits of numbers as they are written: those of "0018" are four.
inline std::string digits_of(const Split& text, const Numbers& found) {
    std::string result;
    for (const Number& each : found) result.append(text.is_number(each.place) ? text[each.place] : View(each.text));
    return result;
}

inline bool are_same_numbers(const Numbers& asked, const Numbers& held) {
    if (asked.size() != held.size())  // "3.10" is written "3_10" too
        return parts_of(asked) == parts_of(held);
    return std::equal(asked.begin(), asked.end(), held.begin(), is_same_number) ||
           (are_within(asked, held) && are_within(held, asked));
}

// Is a text without its numbers another one: a title with a Roman numeral, or a formula?
inline bool needs_its_numbers(const Split& text, const WordTable& units) {
    size_t letters = 0;
    bool digits = false;
    for (size_t i = 0; i < text.size(); i++) {
        digits |= text.is_number(i);
        if (!text.is_number(i)) letters += length_of(text[i]);
    }
    if (!digits) {  // Roman, but not "I"
        Numbers found = numbers_of(text, units);
        return std::any_of(found.begin(), found.end(), [&](const Number& each) { return text[each.place].size() > 1; });
    }
    return letters && letters <= CODE_LETTERS && !text.is_number(0);
}

// Does each name one number in words that the other lacks: "fifth" and "sixth"?
inline bool named_numbers_differ(const Split& query, const Numbers& asked, const Split& key, const Numbers& held) {
    Numbers one = named_numbers(query), other = named_numbers(key);
    auto lacking = [](const Numbers& named, const Numbers& beside, const Numbers& written) {
        return std::count_if(named.begin(), named.end(), [&](const Number& each) {
            return !are_within({each}, beside) && !are_within({each}, written);
        });
    };
    return lacking(one, other, held) == 1 && lacking(other, one, asked) == 1;
}

// Do both name numbers, and not the same ones?
inline bool numbers_differ(const Split& query, const Split& key, const WordTable& units) {
    Numbers asked = numbers_of(query, units), held = numbers_of(key, units);
    if (named_numbers_differ(query, asked, key, held)) return true;
    if (asked.empty() && held.empty()) return false;
    if (asked.empty()) asked = named_numbers(query);
    if (held.empty()) held = named_numbers(key);
    if (asked.empty() || held.empty()) return needs_its_numbers(query, units) || needs_its_numbers(key, units);
    if (are_same_numbers(asked, held)) return false;
    const Numbers &few = asked.size() <= held.size() ? asked : held, &many = asked.size() <= held.size() ? held : asked;
    if (std::min(query.size(), key.size()) >= LONG_TEXT && are_within(few, many)) return false;
    for (const Numbers* found : {&few, &many})
        for (const Number& number : *found)
            if (number.text.find('.') != std::string::npos) return true;
    if (few.size() > 1 || many.size() == 1 || many.back().place - many[0].place != many.size() - 1) return true;
    std::string run = digits_of(query, asked);  // "24/7" is written "247" too, but "1/2" is not "12"
    return length_of(run) < RUN_DIGITS || run != digits_of(key, held);
}

// Negation.

inline bool has_word(const Split& text, View word) {
    for (size_t i = 0; i < text.size(); i++)
        if (text[i] == word) return true;
    return false;
}

// The words that an odd number of negations reaches. "no" may mean "number".
inline std::vector<View> negated(const Split& text, const Split& beside) {
    std::vector<View> found;
    auto exchange = [&](std::vector<View> words) {
        std::sort(words.begin(), words.end());
        words.erase(std::unique(words.begin(), words.end()), words.end());
        for (View word : words) {
            auto place = std::find(found.begin(), found.end(), word);
            if (place == found.end()) found.push_back(word);
            else found.erase(place);
        }
    };
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] == "free" && i && i + 1 == text.size()) exchange({text[i - 1]});
        if (!is_negation(text[i])) continue;
        if (text[i] == "no" && (i + 1 == text.size() || text[i + 1] == "of" || text.is_number(i + 1) ||
                                has_word(beside, "number") || has_word(beside, "numbers")))
            continue;
        std::vector<View> reached;
        for (size_t k = i + 1; k < std::min(i + 4, text.size()) && text[k] != "but"; k++)
            if (!is_negation(text[k])) reached.push_back(text[k]);
        exchange(reached);
    }
    return found;
}

inline bool holds(const std::vector<View>& words, View word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// Is a word that both have negated in one of them only?
inline bool negations_differ(const Split& query, const Split& key, const WordTable& irregular) {
    std::vector<View> asked = negated(query, key), held = negated(key, query);
    if (asked.empty() && held.empty()) return false;
    auto each_form = [&](View word, auto visit) {
        visit(word);
        each_base(word, irregular, [&](View base) {
            visit(base);
            return false;
        });
    };
    std::vector<std::pair<std::string, View>> forms;  // of the words of the key; of equal ones the last counts
    for (size_t i = 0; i < key.size(); i++) each_form(key[i], [&](View form) { forms.emplace_back(form, key[i]); });
    for (size_t i = 0; i < query.size(); i++) {
        bool same = false, negative = false;
        each_form(query[i], [&](View form) {
            for (size_t k = forms.size(); k-- > 0;)
                if (forms[k].first == form) {
                    same = true;
                    negative |= holds(held, forms[k].second);
                    break;
                }
        });
        if (same && holds(asked, query[i]) != negative) return true;
    }
    return false;
}

// Order.

constexpr size_t SENTENCE = 4;  // words of a text in which two that are not neighbours cannot change places

// Do both have the same connector, and have words changed sides in both directions?
inline bool sides_exchanged(const Split& query, const Split& key, const WordTable& connectors) {
    auto has = [](const Split& text, size_t start, size_t end, View word) {
        for (size_t i = start; i < end; i++)
            if (text[i] == word) return true;
        return false;
    };
    for (size_t i = 0; i < query.size(); i++) {
        View group = connection(query[i], connectors);
        size_t place = key.size();
        while (!group.empty() && place-- > 0 && connection(key[place], connectors) != group) {}
        if (group.empty() || place >= key.size()) continue;
        bool to_right = false, to_left = false;
        for (size_t k = 0; k < i; k++)
            to_right |= has(key, place + 1, key.size(), query[k]) && !has(key, 0, place, query[k]);
        for (size_t k = i + 1; k < query.size(); k++)
            to_left |= has(key, 0, place, query[k]) && !has(key, place + 1, key.size(), query[k]);
        if (to_right && to_left) return true;
    }
    return false;
}

// Have two words changed places: of a pair of units, or two of a longer text that are no neighbours?
inline bool two_exchanged(const Split& query, const Split& key, const WordTable& units) {
    if (query.size() != key.size()) return false;
    std::vector<size_t> places;
    for (size_t i = 0; i < query.size() && places.size() < 3; i++)
        if (query[i] != key[i]) places.push_back(i);
    if (places.size() != 2) return false;
    size_t first = places[0], second = places[1];
    if (query[first] != key[second] || query[second] != key[first]) return false;
    if (query.size() == 2) return unit_of(query[0], units) && unit_of(query[1], units);
    return query.size() >= SENTENCE && second - first > 1;
}

// Names.

// Do both texts stand for known things of one kind, and not for the same one? A thing begins with
// the letter of its kind.
inline bool are_different_things(View one, View other, const WordTable& things) {
    bool known = false, same = false;
    things.each(one, hash_of(one), [&](View thing) {
        things.each(other, hash_of(other), [&](View another) {
            known |= thing.substr(0, 1) == another.substr(0, 1);
            same |= thing == another;
        });
    });
    return known && !same;
}

inline View text_of(const std::vector<View>& words, std::string& out) {
    out.clear();
    for (View word : words) out.append(out.empty() ? "" : " ").append(word);
    return out;
}

// Is a word an inflection of another?
inline bool is_inflected(View word, View base, const WordTable& irregular) {
    return each_base(word, irregular, [&](View each) { return each == base; });
}

// Are both known names, or is what only one of them has, and not of the same thing?
inline bool names_differ(const Split& query, const Split& key, const WordTable& things, const WordTable& irregular) {
    auto are_forms = [&](View one, View other) {
        return is_inflected(one, other, irregular) || is_inflected(other, one, irregular);
    };
    auto differ = [&](View one, View other) {
        bool words = one.find(' ') == View::npos && other.find(' ') == View::npos;
        return !(words && are_forms(one, other)) && are_different_things(one, other, things);
    };
    auto has_form = [&](const Split& text, View word) {
        bool found = has_word(text, word);
        for (size_t i = 0; i < text.size() && !found; i++) found = are_forms(word, text[i]);
        return found;
    };
    if (differ(query.spaced, key.spaced)) return true;
    std::vector<View> only_asked, only_held;
    for (size_t i = 0; i < query.size(); i++)
        if (!has_form(key, query[i])) only_asked.push_back(query[i]);
    for (size_t i = 0; i < key.size(); i++)
        if (!has_form(query, key[i])) only_held.push_back(key[i]);
    std::string one, other;
    return only_asked.size() < query.size() && !only_asked.empty() && !only_held.empty() &&
           differ(text_of(only_asked, one), text_of(only_held, other));
}

// Does a text have a known name?
inline bool has_name(const Split& text, const WordTable& things) {
    bool found = false;
    for (size_t start = 0; start < text.size() && !found; start++)
        for (size_t end = start + 1; end <= std::min(start + PHRASE_WORDS, text.size()) && !found; end++) {
            View part = text.phrase(start, end);
            things.each(part, hash_of(part), [&](View) { found = true; });
        }
    return found;
}

// Units and letters.

// Do both name a unit in the same place, and not the same one?
inline bool units_differ(const Split& query, const Split& key, const WordTable& units) {
    auto beside = [](const Split& text, const Split& other) {
        std::vector<View> words;
        for (size_t i = 0; i < text.size(); i++)
            if (!has_word(other, text[i])) words.push_back(text[i]);
        return words;
    };
    std::vector<View> rest = beside(query, key), other = beside(key, query);
    if (rest.empty() || other.empty() || query.compact == key.compact) return false;
    Unit one = unit_of(rest.back(), units), two = unit_of(other.back(), units);
    if (!one || !two || one == two) return false;
    auto follows_number = [](const Split& text, View word) {
        size_t place = 0;
        while (text[place] != word) place++;
        return place && text.is_number(place - 1);
    };
    if (follows_number(query, rest.back()) && follows_number(key, other.back())) return false;
    bool last = query[query.size() - 1] == rest.back() && key[key.size() - 1] == other.back();
    if (rest.size() == 1 && other.size() == 1)
        return last || (length_of(rest[0]) > 1 && length_of(other[0]) > 1);
    return last && one.quantity() == two.quantity();
}

// Does a plus sign end a text, or is it part of "UTC+8" or "C++"?
inline bool has_plus(const Split& text) {
    for (size_t i = 1; i < text.size(); i++)
        if (text[i] == "plus" && (i + 1 == text.size() || text[i + 1] == "plus" || text.is_number(i + 1))) return true;
    return false;
}

// Do all letters that number something ("5a") number the same in another text?
inline bool has_numbered_letters(const Split& text, const Split& other) {
    for (size_t i = 1; i < text.size(); i++) {
        if (!text.is_number(i - 1) || text[i].size() != 1 || View("abde").find(text[i]) == View::npos) continue;
        bool found = false;
        for (size_t k = 1; k < other.size(); k++) found |= other[k - 1] == text[i - 1] && other[k] == text[i];
        if (!found) return false;
    }
    return true;
}

// Do both name something by a single letter, and not the same one? A letter behind a number, and a
// plus sign, make another thing.
inline bool letters_differ(const Split& query, const Split& key) {
    if (!has_numbered_letters(query, key) || !has_numbered_letters(key, query)) return true;
    if (std::min(query.size(), key.size()) < LONG_TEXT && has_plus(query) != has_plus(key)) return true;
    using Place = std::pair<View, View>;  // the word before a letter, "" where it is the last
    auto letters = [](const Split& text) {
        std::vector<Place> found;
        for (size_t i = 0; i < text.size(); i++) {
            if (text.is_number(i) || length_of(text[i]) != 1) continue;
            if (i || (text[i] != "a" && text[i] != "i")) found.emplace_back(i ? text[i - 1] : View("^"), text[i]);
            if (i && i + 1 == text.size()) found.emplace_back(View(), text[i]);
        }
        return found;
    };
    std::vector<Place> asked = letters(query), held = letters(key);
    auto holds_place = [](const std::vector<Place>& all, const Place& one) {
        return std::find(all.begin(), all.end(), one) != all.end();
    };
    auto only = [&](const std::vector<Place>& some, const std::vector<Place>& others) {
        std::vector<Place> found;
        for (const Place& each : some)
            if (!holds_place(others, each)) found.push_back(each);
        return found;
    };
    auto names = [](const std::vector<Place>& some, View letter) {
        return std::any_of(some.begin(), some.end(), [&](const Place& each) { return each.second == letter; });
    };
    std::vector<Place> ours = only(asked, held), theirs = only(held, asked);
    for (const Place& one : ours)
        for (const Place& other : theirs)
            if (one.first == other.first && !names(theirs, one.second) && !names(ours, other.second)) return true;
    return false;
}

}  // namespace fuzzydict
