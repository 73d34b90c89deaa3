; The log, and the user's PATH, which is changed in memory of any length: NSIS' own strings end after 1024 characters, and
; what was longer would be cut off.

!define ENVIRONMENT_KEY "Environment"
!define CURRENT_USER -2147483647 ; HKEY_CURRENT_USER, with its sign also where pointers have 64 bits
!define READ_AND_WRITE 0x2001F
!define TEXT 1            ; REG_SZ
!define EXPANDED_TEXT 2   ; REG_EXPAND_SZ, as Windows makes PATH
!define NO_SUCH_VALUE 2   ; ERROR_FILE_NOT_FOUND

Var LogFile

!macro OpenLog TITLE
  Delete "$TEMP\hearth-setup.log"
  StrCpy $LogFile "$TEMP\hearth-setup.log"
  !insertmacro Log "${TITLE}"
!macroend

!macro Log SENTENCE
  Push $R8
  ClearErrors
  FileOpen $R8 "$LogFile" a
  ${IfNot} ${Errors}
    FileSeek $R8 0 END
    FileWriteUTF16LE /BOM $R8 "${SENTENCE}$\r$\n"
    FileClose $R8
  ${EndIf}
  Pop $R8
!macroend

; Opens the key as $0 and reads PATH: its kind into $2, the address of a buffer that begins with a semicolon into $5, with
; room for 4096 bytes more. $1 is 0 if that worked.
!macro ReadPath
  System::Call "advapi32::RegOpenKeyExW(p ${CURRENT_USER}, w '${ENVIRONMENT_KEY}', i 0, i ${READ_AND_WRITE}, *p .r0) i .r1"
  ${If} $1 = 0
    System::Call "advapi32::RegQueryValueExW(p r0, w 'Path', p 0, *i .r2, p 0, *i .r3) i .r1"
    ${If} $1 = ${NO_SUCH_VALUE}
      StrCpy $1 0
      StrCpy $2 ${EXPANDED_TEXT}
      StrCpy $3 0
    ${EndIf}
    IntOp $4 $3 + 4096
    System::Alloc $4
    Pop $5
    System::Call "kernel32::lstrcpyW(p r5, w ';')"
    ${If} $1 = 0
    ${AndIf} $3 > 0
      IntPtrOp $6 $5 + 2
      System::Call "advapi32::RegQueryValueExW(p r0, w 'Path', p 0, p 0, p r6, *i r3) i .r1"
    ${EndIf}
    ${If} $1 = 0
    ${AndIf} $2 <> ${TEXT}
    ${AndIf} $2 <> ${EXPANDED_TEXT}
      StrCpy $1 13 ; ERROR_INVALID_DATA: no text, so it is left alone
    ${EndIf}
  ${EndIf}
!macroend

; Writes the text behind the semicolon that the buffer begins with, frees the buffer, closes the key, tells programs.
!macro WritePath
  IntPtrOp $6 $5 + 2
  System::Call "kernel32::lstrlenW(p r6) i .r3"
  IntOp $3 $3 + 1
  IntOp $3 $3 * 2
  ${If} $3 > 2
    System::Call "advapi32::RegSetValueExW(p r0, w 'Path', i 0, i r2, p r6, i r3) i .r1"
  ${Else}
    System::Call "advapi32::RegDeleteValueW(p r0, w 'Path') i .r1"
  ${EndIf}
  SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=2000
!macroend

!macro ClosePath
  ${If} $1 <> 0
    !insertmacro Log "The PATH was left as it is (error $1)."
  ${EndIf}
  ${If} $5 <> 0
    System::Free $5
  ${EndIf}
  ${If} $0 <> 0
    System::Call "advapi32::RegCloseKey(p r0)"
  ${EndIf}
!macroend

; Finds the folder $R9 as a whole entry: $7 is where its semicolon is, or 0. The buffer gets a semicolon at its end.
!macro FindInPath
  System::Call "kernel32::lstrlenW(p r5) i .r3"
  IntOp $3 $3 * 2
  IntPtrOp $8 $5 + $3
  IntPtrOp $8 $8 - 2
  System::Call "*$8(&i2 .r4)"
  ${If} $4 <> 59 ; a semicolon
    System::Call "kernel32::lstrcatW(p r5, w ';')"
  ${EndIf}
  StrCpy $R5 ";$R9;"
  System::Call "shlwapi::StrStrIW(p r5, w R5) p .r7"
!macroend

; Puts the folder $R9 at the end of the user's PATH, unless it is in it.
Function AddToPath
  StrCpy $0 0
  StrCpy $5 0
  !insertmacro ReadPath
  ${If} $1 = 0
    !insertmacro FindInPath
    ${If} $7 = 0
      System::Call "kernel32::lstrcatW(p r5, w R9)"
      !insertmacro WritePath
    ${EndIf}
  ${EndIf}
  !insertmacro ClosePath
FunctionEnd

; Takes the folder $R9 out of the user's PATH, wherever it stands.
Function un.RemoveFromPath
  StrCpy $0 0
  StrCpy $5 0
  !insertmacro ReadPath
  ${If} $1 = 0
    StrLen $4 ";$R9"
    IntOp $R7 $4 * 2
    StrCpy $R6 0 ; how often it was found
    again:
    !insertmacro FindInPath
    ${If} $7 <> 0
      IntOp $R6 $R6 + 1
      IntPtrOp $8 $7 + $R7
      System::Call "kernel32::lstrlenW(p r8) i .r3"
      IntOp $3 $3 + 1
      IntOp $3 $3 * 2
      System::Call "kernel32::RtlMoveMemory(p r7, p r8, p r3)"
      Goto again
    ${EndIf}
    ${If} $R6 > 0
      Call un.DropLastSemicolon
      !insertmacro WritePath
    ${EndIf}
  ${EndIf}
  !insertmacro ClosePath
FunctionEnd

; FindInPath puts a semicolon at the end of the buffer at $5; this takes it away, if more than the first is there.
Function un.DropLastSemicolon
  System::Call "kernel32::lstrlenW(p r5) i .r3"
  ${If} $3 > 1
    IntOp $3 $3 - 1
    IntOp $3 $3 * 2
    IntPtrOp $8 $5 + $3
    System::Call "*$8(&i2 0)"
  ${EndIf}
FunctionEnd
